#include "sched/call_threads.h"

#include <atomic>
#include <cstdint>
#include <utility>

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

// What a call thread runs after the task that it is in, and whether a task that is posted may be that.
struct Next {
  Task* task = nullptr;
  bool open = false;
};
constinit thread_local Next* t_next = nullptr;  // null on threads that are in no task

// The task, and what is handed over at its end.
void run_all(Task& first) {
  Next next;
  t_next = &next;
  for (Task* task = &first; task; task = std::exchange(next.task, nullptr)) task->run();
  t_next = nullptr;
}

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

CallThreads::HandOver::HandOver(bool wanted) {
  if (t_next) t_next->open = wanted && !t_next->task;
}

CallThreads::HandOver::~HandOver() {
  if (t_next) t_next->open = false;
}

CallThreads& CallThreads::instance() {
  static CallThreads threads;
  return threads;
}

bool CallThreads::post(Task& task) { return post(task, false); }
bool CallThreads::post_at_once(Task& task) { return post(task, true); }

bool CallThreads::post(Task& task, bool at_once) {
  State& s = state();
  std::unique_lock<ForkMutex> lock(s.mutex);
  if (t_next && t_next->open && !at_once && !s.first) {
    *t_next = {&task, false};
    return true;
  }
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
    run_all(*task);
    lock.lock();
    ++s.idle;
    lock.unlock();
  }
}

}  // namespace engine
