#include "sched/timer.h"

#include <atomic>
#include <new>
#include <utility>
#include <vector>

#include "sched/clock.h"
#include "sched/fork.h"
#include "sched/futex.h"
#include "sched/helper_thread.h"

namespace engine {

// A binary heap of the armed timers, the earliest first, and the thread that waits for it. Never destroyed.
class TimerQueue {
 public:
  static TimerQueue& instance() {
    static TimerQueue* const queue = make();
    return *queue;
  }

  bool add(Timer& timer, int64_t at_ns) {
    std::unique_lock<ForkMutex> lock(mutex_);
    if (!started_) {
      started_ = start_helper_thread([] { instance().run(); }, "engine:timer", 1);
      if (!started_) return false;
    }
    timer.at_ns_ = at_ns;
    try {
      heap_.push_back(&timer);
    } catch (const std::bad_alloc&) {
      return false;
    }
    place(heap_.size() - 1, &timer);
    rise(heap_.size() - 1);
    bool earliest = heap_.front() == &timer;
    lock.unlock();
    if (earliest) ring();
    return true;
  }

  void remove(Timer& timer) {
    std::unique_lock<ForkMutex> lock(mutex_);
    if (timer.position_ >= 0) return take_out(size_t(timer.position_));
    while (running_ == &timer) {
      lock.unlock();
      futex_wait(running_now_, 1);
      lock.lock();
    }
  }

 private:
  static TimerQueue* make() {
    auto* queue = new TimerQueue;
    on_fork_child([] { instance().forget(); });
    return queue;
  }

  void forget() {
    for (Timer* timer : heap_) timer->position_ = -1;
    heap_.clear();
    started_ = false;
    running_ = nullptr;
    running_now_.store(0);
  }

  void ring() {
    bell_.fetch_add(1);
    futex_wake(bell_, 1);
  }

  void place(size_t i, Timer* timer) {
    heap_[i] = timer;
    timer->position_ = int(i);
  }

  void rise(size_t i) {
    Timer* timer = heap_[i];
    for (; i > 0 && timer->at_ns_ < heap_[(i - 1) / 2]->at_ns_; i = (i - 1) / 2) place(i, heap_[(i - 1) / 2]);
    place(i, timer);
  }

  void sink(size_t i) {
    Timer* timer = heap_[i];
    for (size_t child; (child = 2 * i + 1) < heap_.size(); i = child) {
      if (child + 1 < heap_.size() && heap_[child + 1]->at_ns_ < heap_[child]->at_ns_) ++child;
      if (timer->at_ns_ <= heap_[child]->at_ns_) break;
      place(i, heap_[child]);
    }
    place(i, timer);
  }

  void take_out(size_t i) {
    heap_[i]->position_ = -1;
    Timer* last = heap_.back();
    heap_.pop_back();
    if (i == heap_.size()) return;
    place(i, last);
    sink(i);
    rise(size_t(last->position_));
  }

  void run() {
    for (;;) {
      uint32_t bell = bell_.load();
      std::unique_lock<ForkMutex> lock(mutex_);
      int64_t next = heap_.empty() ? kNever : heap_.front()->at_ns_;
      if (next > now_ns()) {
        lock.unlock();
        futex_wait_until(bell_, bell, next);
        continue;
      }
      Timer* timer = heap_.front();
      take_out(0);
      running_ = timer;
      running_now_.store(1);
      lock.unlock();
      timer->on_time();
      lock.lock();
      running_ = nullptr;
      running_now_.store(0);
      lock.unlock();
      futex_wake(running_now_, 1 << 30);
    }
  }

  ForkMutex mutex_;
  std::vector<Timer*> heap_;
  bool started_ = false;
  Timer* running_ = nullptr;
  std::atomic<uint32_t> running_now_{0};
  std::atomic<uint32_t> bell_{0};
};

bool Timer::arm(int64_t at_ns) { return TimerQueue::instance().add(*this, at_ns); }
void Timer::disarm() { TimerQueue::instance().remove(*this); }

}  // namespace engine
