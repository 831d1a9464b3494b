// The process-wide pool of helper threads that all models share.
//
// A call computes on its own thread and asks for helpers; helpers that are idle join, take tiles, and leave. No call waits for a
// helper that has not joined: when the caller's own loop finds no more tiles it withdraws the places not taken, and waits only for
// the tile that a joined helper is on. Threads start when first needed, spin for tens of microseconds after work, then sleep. They
// are never pinned, but one that the system keeps from its CPU is moved to that of another of its call (late_thread.h, callers.h).
// After fork() the child starts with an empty pool that fills again when needed (pthread_atfork).
//
// A lone call gets the helpers that it asks for. Calls side by side get only as many helpers as they leave CPUs idle:
// with as many calls as CPUs each computes alone, and none is slowed by the helpers of another.
#pragma once

namespace engine {

class ThreadPool {
 public:
  static ThreadPool& instance();

  // What a job runs on each thread that takes part: worker 0 is the caller, 1 ... helpers are helpers; each index at
  // most once at a time. It returns when there is nothing left to claim.
  using Body = void (*)(void* arg, int worker);

  // Calls body(arg, 0) on this thread and body(arg, w), w in [1, helpers], on helpers that are free meanwhile.
  // Returns when all that joined have returned. Thread-safe; several jobs may run at once. May be called from a helper.
  // REQUIRES: body does not fork; on a helper it does not throw.
  void run(int helpers, Body body, void* arg);

  // For a body between two of its tiles. On a helper: false when its CPU is wanted by other calls, so that it had better return. On the
  // caller: wakes or starts a helper for a job that has places open, when a CPU is free by now.
  static bool may_stay();
  static void ask_again();

  // Helper threads that exist now (for statistics and tests), and the most there may be.
  int threads() const;
  static constexpr int kMaxHelpers = 255;

  // For tests: share helpers out as if this process had `cpus` CPUs; 0 puts available_cpus() back.
  void set_cpus_for_testing(int cpus);
};

// Counts one call that computes on this thread, from construction to destruction, so that the pool knows which CPUs are
// taken between its parallel parts too. Scopes of one thread nest and count once; run() opens one of its own.
// REQUIRES: constructed and destroyed on the same thread, innermost first.
class CallScope {
 public:
  CallScope();
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
};

// A call that was let go on and whose thread is yet to wake up counts as one that computes from expect_caller() to caller_came(), by
// which time that thread has a CallScope: no helper takes the CPU in between.
void expect_caller();
void caller_came();
// Whether this CPU is the next to be free, that of the calling thread, whose call ends: calls take all CPUs and no other is on this one.
bool this_cpu_is_next();

// While one lives on a thread, run() on that thread takes no helpers and starts none: for threads of low priority, which the
// threads that they start would inherit.
class WorkAlone {
 public:
  WorkAlone();
  ~WorkAlone();
  WorkAlone(const WorkAlone&) = delete;
  WorkAlone& operator=(const WorkAlone&) = delete;
};

}  // namespace engine
