// The jobs that look for helpers: a fixed table of slots that is never freed, without locks or allocation.
//
// A caller posts a job, computes, and withdraws it; helpers take places on it and leave. All of a job's life is in its
// slot's one state word, so that a helper joins only a job that still wants it and a slot is reused only when all have
// left.
#pragma once

#include <atomic>
#include <cstdint>

#include "sched/late_thread.h"

namespace engine {

class JobBoard {
 public:
  static constexpr int kSlots = 64;
  static constexpr int kLookedAfter = 12;  // helpers of a job that its caller looks after
  using Body = void (*)(void* arg, int worker);

  // A posted job, held by its caller.
  struct Job {
    int slot;
    uint32_t generation;
  };

  // A place on a job, held by a helper: it calls body(arg, worker) once and leaves.
  struct Place {
    int slot;
    int worker;   // 1 ... helpers
    int helpers;  // places that the job was posted with
    int left;     // places still open on that job just after this one was taken
    int cpu;      // that its caller posted it on; -1: not known
    int caller;   // its caller's place among the callers
    Body body;
    void* arg;
  };

  // Any thread, whose place among the callers is `caller`. REQUIRES: helpers in [1, 0x7fff]. False when all slots are in use: then the
  // caller computes alone.
  bool post(int helpers, int caller, Body body, void* arg, Job* job);

  // The thread that posted: closes the places not taken and returns when all helpers that joined have left. The job is
  // gone then. In the child of a fork() that came after post(), where its helpers do not exist, returns at once.
  void withdraw(const Job& job);

  // Helpers. take() prefers the job with the fewest helpers, then the oldest; false when no place is open.
  bool any_open() const { return open_.load() != 0; }
  bool take(Place* place);
  // True: the last one that had joined.
  bool leave(const Place& place);

  // The only thread of a forked child: forgets all jobs.
  void reset_after_fork();

 private:
  struct alignas(64) Slot {
    std::atomic<uint64_t> state{0};  // generation:32 | caller sleeps:1 | open places:15 | helpers joined:16
    std::atomic<uint64_t> posted{0};
    std::atomic<uint32_t> all_left{0};
    int helpers = 0;
    int cpu = -1;
    int caller = -1;
    Body body = nullptr;
    void* arg = nullptr;
    std::atomic<int> threads[kLookedAfter] = {};  // thread_number() of helper i while it is joined, else 0
  };

  int acquire_slot();
  bool close(const Job& job);
  static void wait_until_left(Slot& slot);
  static void sleep_until_left(Slot& slot, LateThread* late);
  static bool look_after_helpers(const Slot& slot, LateThread* late);
  int choose(uint64_t* state) const;

  alignas(64) std::atomic<uint64_t> open_{0};  // bit s: slot s may have open places
  alignas(64) std::atomic<uint64_t> used_{0};  // bit s: slot s belongs to a job
  std::atomic<uint64_t> posts_{0};
  Slot slots_[kSlots];
};

}  // namespace engine
