// Threads of this process that somebody waits for and that get no CPU: systems leave a thread that was preempted in the queue of
// its CPU for milliseconds, whatever other CPU falls idle meanwhile. Who waits can move it to the CPU that it is about to let go
// of. On Linux; elsewhere nothing is moved.
#pragma once

#include <cstdint>

namespace engine {

// The system's number of the calling thread; 0 where threads have none.
int thread_number();
// In the child of a fork(), whose thread has a number of its own.
void reset_thread_number();

// The CPU time of thread `number` so far; -1 when the system does not tell.
int64_t cpu_time_ns(int number);

// A thread that was moved, until it is put back.
class MovedThread {
 public:
  // Moves thread `number` to the calling thread's CPU, if it may run there and elsewhere; one that somebody else has moved may not.
  // False: it was not moved.
  bool move_here(int number);
  // It may run again where it could before. REQUIRES: it exists.
  void put_back();

 private:
  int number_ = 0;                           // 0: none was moved
  alignas(8) unsigned char cpus_[128] = {};  // where it could run
};

// Looks at one thread again and again.
class LateThread {
 public:
  LateThread() = default;
  ~LateThread() { moved_.put_back(); }
  LateThread(const LateThread&) = delete;
  LateThread& operator=(const LateThread&) = delete;

  // Moves thread `number` here when it got no CPU time since the last look at it. One that is gone is no matter. Once it was moved
  // it is looked at no more; it is put back when this object ends.
  void look(int number);

 private:
  int number_ = 0;
  int64_t cpu_ns_ = 0;
  bool was_moved_ = false;
  MovedThread moved_;
};

}  // namespace engine
