// Threads of this process that somebody waits for and that get no CPU: systems leave a thread that was preempted in the queue of
// its CPU for milliseconds, whatever other CPU falls idle meanwhile. Who waits can move it to the CPU that it is about to let go
// of, and a thread that was woken on the CPU of the thread that it helps can leave it. On Linux; elsewhere nothing is moved.
#pragma once

#include <cstdint>

namespace engine {

inline constexpr int kMostCpus = 8192;  // that Linux can be built for

// The system's number of the calling thread; 0 where threads have none.
int thread_number();
// In the child of a fork(): its thread has a number of its own, and nobody is being moved.
void reset_moves_after_fork();

// The CPU time of thread `number` so far; -1 when the system does not tell.
int64_t cpu_time_ns(int number);

// The CPU that the calling thread is on; -1 where the system does not tell.
int current_cpu();
// Moves the calling thread off the CPU that it is on, if it may run elsewhere and nobody else is being moved; where it may run stays
// as it was. False: it was not moved.
bool leave_cpu();

// Moves thread `number` to the calling thread's CPU, if it may run there and elsewhere and nobody else is being moved, or if it is
// leaving this very CPU and has not come to run elsewhere; where it may run stays as it was. False: it was not moved.
bool move_here(int number);

// While it lives nobody is moved, so that a thread that the calling one starts may run where this one always may.
class NobodyMoves {
 public:
  NobodyMoves();
  ~NobodyMoves();
  NobodyMoves(const NobodyMoves&) = delete;
  NobodyMoves& operator=(const NobodyMoves&) = delete;
};

// A thread that sleeps and is about to be woken, on the CPU of the thread that wakes it: where Linux would wake it another may compute.
class WakeHere {
 public:
  // The thread that wakes it, before: thread `number` may run on this CPU alone from now on, if it may run here and elsewhere and nobody
  // else is being moved.
  void narrow(int number);
  // The thread itself, once it runs: it may run where it could before.
  void widen();

 private:
  bool narrowed_ = false;
  alignas(8) unsigned char allowed_[kMostCpus / 8];
};

// While it lives, thread `number` is about to leave `cpu` and nobody else can be moved.
class LeavingForTesting {
 public:
  LeavingForTesting(int number, int cpu);
  ~LeavingForTesting();
  LeavingForTesting(const LeavingForTesting&) = delete;
  LeavingForTesting& operator=(const LeavingForTesting&) = delete;
};

// Looks at one thread again and again.
class LateThread {
 public:
  // Moves thread `number` here when it got no CPU time since the last look at it; once. One that is gone is no matter. True: now.
  bool look(int number);

 private:
  int number_ = 0;
  int64_t cpu_ns_ = 0;
  bool moved_ = false;
};

}  // namespace engine
