// Who computes now, who waits, who is sent away: a counting semaphore with a bounded queue, fair and without polling.
//
// A call enters, computes while it holds a permit, and leaves. When no permit is free it waits in one of two queues (high
// priority first, each first come, first served); the permit of a call that leaves passes to the first in line that can still
// make use of it. A free permit and nobody waiting: one compare-and-swap to enter and one to leave.
#pragma once

#include <atomic>
#include <cstdint>

#include "sched/clock.h"
#include "sched/fork.h"

namespace engine {

enum class Decision : uint32_t {
  Waiting,    // in the queue
  Granted,    // holds a permit, which must be given back with leave()
  Full,       // the queue is full
  Late,       // cannot finish by its deadline: recent calls took longer than what is left
  Expired,    // its deadline passed in the queue
  Closed,     // no new calls
  Withdrawn,  // its caller left the queue
};

// A call that asks for a permit. Belongs to its caller. Once Admission::enter said Waiting it must not go before on_decision was
// called or withdraw returned true.
class Waiter {
 public:
  int64_t deadline_ns = kNever;  // on now_ns()'s clock
  int64_t expected_ns = 0;       // what computing is expected to take; 0: not known
  bool high_priority = false;

  Decision decision() const { return Decision(decision_.load(std::memory_order_acquire)); }

 protected:
  // When a decision comes after Admission::enter said Waiting: on the thread that brings it about, no lock held. Nobody touches
  // the waiter afterwards.
  virtual void on_decision() = 0;
  ~Waiter() = default;
  // Changes from Waiting exactly once.
  std::atomic<uint32_t> decision_{uint32_t(Decision::Waiting)};

 private:
  friend class Admission;
  bool queued_ = false;  // guarded by the admission's mutex
  Waiter* before_ = nullptr;
  Waiter* after_ = nullptr;
};

// Thread-safe.
class Admission {
 public:
  // permits >= 1; max_queue >= 0. refuse_late: send calls away that cannot finish in time (Decision::Late).
  Admission(int permits, int max_queue, bool refuse_late);

  // Takes a permit that is free, when nobody waits for it. Never blocks.
  bool try_enter();
  // Takes a permit, or queues `waiter` (Waiting: on_decision follows), or says why neither. Never blocks. Late only when
  // there is no free permit: with an idle CPU at hand a call may try.
  Decision enter(Waiter& waiter);
  // Takes a waiter out of the queue: true, and on_decision will not be called. False: it is not in the queue (any more).
  bool withdraw(Waiter& waiter, Decision why);
  // Gives a permit back.
  void leave();

  // From now on enter says Closed; who waits or computes goes on.
  void close();
  void open();
  // Decides all that wait as Closed.
  void send_away();
  // Blocks until at most `but` calls compute or wait, at most until `until_ns`. REQUIRES: close() before. True when it is so.
  bool wait_idle(int64_t until_ns, int but = 0);

  int permits() const { return permits_; }
  int max_queue() const { return max_queue_; }
  int running() const;
  int queued() const;

  // In the child of fork(), where no call is left.
  void reset_after_fork();

 private:
  struct Queue {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
    int64_t expected_ns = 0;  // of all in it
    void push(Waiter& waiter);
    void remove(Waiter& waiter);
  };
  Queue& queue_of(const Waiter& waiter) { return queues_[waiter.high_priority ? 0 : 1]; }
  bool cannot_finish(const Waiter& waiter) const;
  Waiter* next_in_line(Waiter** refused);
  static void decide(Waiter& waiter, Decision decision);
  static void tell(Waiter* list);
  void tell_idle();

  const int permits_, max_queue_;
  const bool refuse_late_;
  alignas(64) std::atomic<uint64_t> word_;  // closed:1 | queued:31 | free permits:32
  std::atomic<uint32_t> idle_bell_{0};
  mutable ForkMutex mutex_;
  Queue queues_[2];  // high priority, normal
};

}  // namespace engine
