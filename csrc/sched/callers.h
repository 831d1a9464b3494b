// The threads that compute a call at this moment, so that a helper that runs out of work can look after one that the system keeps
// from its CPU. A fixed table without locks.
#pragma once

#include <atomic>
#include <cstdint>

#include "sched/late_thread.h"

namespace engine {

class Callers {
 public:
  static constexpr int kMost = 64;  // threads beyond are not looked after

  // The calling thread begins to compute. Its place, for leave(); -1: none is free.
  int enter();
  // The thread that entered.
  void leave(int place);
  // The thread that entered: it waits for others, or works again. While it waits nobody looks after it.
  void waits(int place, bool waiting);
  // Any thread: the others have done what the thread at `place` waits for, though it may not know yet.
  void wait_over(int place);

  // The thread that entered: the CPU that it is on, noted by enter() too.
  void note_cpu(int place, int cpu) { if (place >= 0) places_[place].cpu.store(cpu, std::memory_order_relaxed); }
  // Whether a thread at another place was on `cpu` when it last noted its own.
  bool other_on(int cpu, int place) const;

  bool any() const { return used_.load(std::memory_order_relaxed) != 0; }

  // What a helper has noted of the threads in the table.
  class Watch {
   public:
    // Notes the CPU time of each.
    void note(const Callers& callers);
    // Moves one that got none since to the CPU of the calling thread, unless it is being moved. True: there is one, and the calling
    // thread, which may be what keeps it from its CPU, should sleep now.
    bool move_one(Callers& callers);

   private:
    uint64_t noted_ = 0;
    int numbers_[kMost];
    int64_t cpu_ns_[kMost];
  };

  // The only thread of a forked child, at `place` (or -1): forgets all others.
  void reset_after_fork(int place);

 private:
  struct alignas(64) Place {
    std::atomic<uint32_t> word{0};  // thread_number():30 | waits:1 | held by who moves it:1
    std::atomic<int> cpu{-1};
  };

  std::atomic<uint64_t> used_{0};
  Place places_[kMost];
};

}  // namespace engine
