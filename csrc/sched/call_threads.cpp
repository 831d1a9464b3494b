#include "sched/call_threads.h"

#include <atomic>
#include <cstdint>

#include "sched/fork.h"
#include "sched/futex.h"
#include "sched/helper_thread.h"

namespace engine {
namespace {

// Never destroyed: threads may outlive static destructors.
struct State {
  ForkMutex mutex;
  Task* first = nullptr;
  Task* last = nullptr;
  int threads = 0;
  int idle = 0;     // threads that sleep, or are on their way to look again
  int waiting = 0;  // tasks in the queue
  std::atomic<uint32_t> bell{0};
};

void forget();

State& state() {
  static State* const made = [] {
    on_fork_child(forget);
    return new State;
  }();
  return *made;
}

void forget() {
  State& s = state();
  s.first = s.last = nullptr;
  s.threads = s.idle = s.waiting = 0;
  s.bell.store(0);
}

}  // namespace

CallThreads& CallThreads::instance() {
  static CallThreads threads;
  return threads;
}

bool CallThreads::post(Task& task) { return post(task, false); }
bool CallThreads::post_at_once(Task& task) { return post(task, true); }

bool CallThreads::post(Task& task, bool at_once) {
  State& s = state();
  std::unique_lock<ForkMutex> lock(s.mutex);
  if (s.waiting >= s.idle) {
    if (s.threads < kMaxThreads && start_helper_thread([] { instance().run(); }, "engine:call", s.threads)) {
      ++s.threads;
      ++s.idle;
    } else if (at_once || s.threads == 0) {
      return false;
    }
  }
  task.next_ = nullptr;
  (s.last ? s.last->next_ : s.first) = &task;
  s.last = &task;
  ++s.waiting;
  lock.unlock();
  s.bell.fetch_add(1);
  futex_wake(s.bell, 1);
  return true;
}

int CallThreads::threads() {
  State& s = state();
  std::lock_guard<ForkMutex> lock(s.mutex);
  return s.threads;
}

void CallThreads::run() {
  State& s = state();
  for (;;) {
    uint32_t bell = s.bell.load();
    std::unique_lock<ForkMutex> lock(s.mutex);
    Task* task = s.first;
    if (!task) {
      lock.unlock();
      futex_wait(s.bell, bell);
      continue;
    }
    s.first = task->next_;
    if (!s.first) s.last = nullptr;
    --s.waiting;
    --s.idle;
    lock.unlock();
    task->run();
    lock.lock();
    ++s.idle;
    lock.unlock();
  }
}

}  // namespace engine
