#include "service/admission.h"

#include <algorithm>

#include "sched/futex.h"

namespace engine {
namespace {

constexpr uint64_t kFree = 1;
constexpr uint64_t kQueued = uint64_t(1) << 32;
constexpr uint64_t kClosed = uint64_t(1) << 63;

uint64_t free_of(uint64_t word) { return word & 0xffffffff; }
uint64_t queued_of(uint64_t word) { return word >> 32 & 0x7fffffff; }
bool may_enter(uint64_t word) { return free_of(word) > 0 && queued_of(word) == 0 && !(word & kClosed); }

}  // namespace

void Admission::Queue::push(Waiter& waiter) {
  waiter.before_ = last;
  waiter.after_ = nullptr;
  (last ? last->after_ : first) = &waiter;
  last = &waiter;
  waiter.queued_ = true;
  expected_ns += waiter.expected_ns;
}

void Admission::Queue::remove(Waiter& waiter) {
  (waiter.before_ ? waiter.before_->after_ : first) = waiter.after_;
  (waiter.after_ ? waiter.after_->before_ : last) = waiter.before_;
  waiter.before_ = waiter.after_ = nullptr;
  waiter.queued_ = false;
  expected_ns -= waiter.expected_ns;
}

Admission::Admission(int permits, int max_queue, bool refuse_late)
    : permits_(permits), max_queue_(max_queue), refuse_late_(refuse_late), word_(uint64_t(permits)) {}

void Admission::decide(Waiter& waiter, Decision decision) {
  waiter.decision_.store(uint32_t(decision), std::memory_order_release);
}

// Tells each of the list that it is decided; it may be gone afterwards.
void Admission::tell(Waiter* list) {
  while (Waiter* waiter = list) {
    list = waiter->after_;
    waiter->after_ = nullptr;
    waiter->on_decision();
  }
}

bool Admission::try_enter() {
  uint64_t word = word_.load(std::memory_order_relaxed);
  while (may_enter(word)) {
    if (word_.compare_exchange_weak(word, word - kFree, std::memory_order_acquire, std::memory_order_relaxed)) return true;
  }
  return false;
}

// Everybody ahead and half of what the calls under way take (they are on average half done), shared among the permits.
bool Admission::cannot_finish(const Waiter& waiter) const {
  if (!refuse_late_ || waiter.deadline_ns == kNever || waiter.expected_ns == 0) return false;
  int64_t ahead = queues_[0].expected_ns + (waiter.high_priority ? 0 : queues_[1].expected_ns);
  int64_t wait = ahead / permits_ + waiter.expected_ns / 2;
  return waiter.deadline_ns - now_ns() < wait + waiter.expected_ns;
}

Decision Admission::enter(Waiter& waiter) {
  std::lock_guard<ForkMutex> lock(mutex_);
  uint64_t word = word_.load();
  for (;;) {
    if (word & kClosed) {
      decide(waiter, Decision::Closed);
      return Decision::Closed;
    }
    bool enters = may_enter(word);
    if (!enters) {
      bool full = queued_of(word) >= uint64_t(max_queue_);
      if (full || cannot_finish(waiter)) {
        decide(waiter, full ? Decision::Full : Decision::Late);
        return waiter.decision();
      }
    }
    if (!word_.compare_exchange_weak(word, enters ? word - kFree : word + kQueued)) continue;
    if (enters) decide(waiter, Decision::Granted);
    else queue_of(waiter).push(waiter);
    return enters ? Decision::Granted : Decision::Waiting;
  }
}

bool Admission::withdraw(Waiter& waiter, Decision why) {
  uint64_t word;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    if (!waiter.queued_) return false;
    queue_of(waiter).remove(waiter);
    word = word_.fetch_sub(kQueued);
    decide(waiter, why);
  }
  if (word & kClosed) tell_idle();
  return true;
}

// The first that can use a permit, out of the queue; those before it that cannot go onto the list `refused`, linked by after_.
Waiter* Admission::next_in_line(Waiter** refused) {
  int64_t now = 0;
  for (Queue& queue : queues_) {
    while (Waiter* waiter = queue.first) {
      queue.remove(*waiter);
      if (waiter->deadline_ns == kNever) return waiter;
      if (now == 0) now = now_ns();
      int64_t left = waiter->deadline_ns - now;
      if (left > 0 && !(refuse_late_ && left < waiter->expected_ns)) return waiter;
      word_.fetch_sub(kQueued);
      decide(*waiter, left <= 0 ? Decision::Expired : Decision::Late);
      waiter->after_ = *refused;
      *refused = waiter;
    }
  }
  return nullptr;
}

void Admission::leave() {
  uint64_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    if (queued_of(word) == 0) {
      if (!word_.compare_exchange_weak(word, word + kFree, std::memory_order_release, std::memory_order_relaxed)) continue;
      if (word & kClosed) tell_idle();
      return;
    }
    Waiter* refused = nullptr;
    Waiter* next;
    {
      std::lock_guard<ForkMutex> lock(mutex_);
      next = next_in_line(&refused);
      if (next) {
        word_.fetch_sub(kQueued);
        decide(*next, Decision::Granted);
      }
    }
    tell(refused);
    if (next && word & kClosed) tell_idle();
    if (next) return next->on_decision();
    word = word_.load(std::memory_order_relaxed);
  }
}

void Admission::close() { word_.fetch_or(kClosed); }
void Admission::open() { word_.fetch_and(~kClosed); }

void Admission::send_away() {
  Waiter* all = nullptr;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    for (Queue& queue : queues_) {
      while (Waiter* waiter = queue.first) {
        queue.remove(*waiter);
        word_.fetch_sub(kQueued);
        decide(*waiter, Decision::Closed);
        waiter->after_ = all;
        all = waiter;
      }
    }
  }
  tell(all);
  tell_idle();
}

void Admission::tell_idle() {
  idle_bell_.fetch_add(1);
  futex_wake(idle_bell_, 1 << 30);
}

bool Admission::wait_idle(int64_t until_ns, int but) {
  for (;;) {
    uint32_t bell = idle_bell_.load();
    uint64_t word = word_.load();
    if (permits_ - int(free_of(word)) + int(queued_of(word)) <= but) return true;
    if (now_ns() >= until_ns) return false;
    futex_wait_until(idle_bell_, bell, until_ns);
  }
}

int Admission::running() const { return permits_ - int(free_of(word_.load())); }
int Admission::queued() const { return int(queued_of(word_.load())); }

void Admission::reset_after_fork() {
  for (Queue& queue : queues_)
    while (queue.first) queue.remove(*queue.first);
  word_.store(uint64_t(permits_) | (word_.load() & kClosed));
}

}  // namespace engine
