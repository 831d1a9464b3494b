// The process-wide pool of helper threads that all models share.
//
// A call computes on its own thread and asks for helpers; helpers that are idle join, take tiles, and leave. No call ever
// waits for a helper that has not joined: when the caller's own loop finds no more tiles it withdraws the places not taken,
// and waits only for the tile that a joined helper is on. Threads start when first needed, spin for tens of microseconds
// after work and then sleep; at idle the pool uses no CPU. They are never pinned. After fork() the child starts with an
// empty pool that fills again when needed (pthread_atfork).
#pragma once

#include <cstdint>

namespace engine {

class ThreadPool {
 public:
  static ThreadPool& instance();

  // What a job runs on each thread that takes part: worker 0 is the caller, 1 ... helpers are helpers; each index at most
  // once at a time. It returns when there is nothing left to claim.
  using Body = void (*)(void* arg, int worker);

  // Calls body(arg, 0) on this thread and body(arg, w), w in [1, helpers], on helpers that are free meanwhile.
  // Returns when all that joined have returned. Thread-safe; several jobs may run at once. May be called from a helper.
  void run(int helpers, Body body, void* arg);

  // Helper threads that exist now (for statistics and tests), and the most there may be.
  int threads() const;
  static constexpr int kMaxHelpers = 255;
};

}  // namespace engine
