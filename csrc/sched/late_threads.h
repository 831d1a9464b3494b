// Threads that somebody waits for and that get no CPU, since the system runs something else on theirs.
#pragma once

#include <cstdint>

namespace engine {

// The system's number of the calling thread; 0 where threads have none.
int thread_number();

// While a caller waits for helpers it looks now and then whether each got some CPU time. One that got none waits in the queue of
// a CPU, in the middle of its tile: it is moved to the caller's CPU, which is idle as long as the caller sleeps. On Linux;
// elsewhere nothing is done. REQUIRES: the threads belong to this process and outlive the object; used by one thread.
class LateThreads {
 public:
  static constexpr int kMost = 255;

  // Those that were moved may run again where they could before.
  ~LateThreads();
  // Thread `number` is the index-th, index < kMost. Moves it when it got no CPU time since the call before for the same thread.
  void look(int index, int number);

 private:
  static constexpr int kMostMoved = 4;
  struct Moved {
    int number;
    alignas(8) unsigned char cpus[128];  // where it could run
  };
  void move_here(int number);

  int64_t cpu_ns_[kMost] = {};
  int numbers_[kMost] = {};
  Moved moved_[kMostMoved];
  int moved_count_ = 0;
};

}  // namespace engine
