// Deadlines of calls that no thread waits for.
#pragma once

#include <cstdint>

#include "base/ref_ptr.h"

namespace engine {

// Something that is to happen at a time, unless it is disarmed before.
class Timer {
 public:
  // On the process's timer thread, at most once an arming. Must not block.
  virtual void on_time() = 0;

  // on_time() will be called soon after `at_ns` (now_ns()'s clock). REQUIRES: not armed. The timer must not go before
  // disarm() or on_time(). Starts the timer thread when there is none; false, and it is not
  // armed, when the system gives no thread or no memory.
  bool arm(int64_t at_ns);
  // Afterwards on_time() is not running and will not run. Does nothing when it is not armed or has run. REQUIRES: not called
  // from on_time.
  void disarm();

 protected:
  Timer() = default;
  ~Timer() = default;

 private:
  friend class TimerQueue;
  int64_t at_ns_ = 0;
  int position_ = -1;  // in the queue's heap
};

}  // namespace engine
