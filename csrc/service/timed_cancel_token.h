// A CancelToken that knows since when it is cancelled.
#pragma once

#include <atomic>
#include <cstdint>

#include "sched/cancel_token.h"
#include "sched/clock.h"

namespace engine {

// Whoever sees cancelled() sees the time too.
class TimedCancelToken final : public CancelToken {
 public:
  // since_ns: on now_ns()'s clock; the first that cancels says it.
  void cancel(int64_t since_ns = now_ns()) {
    int64_t never = kNever;
    since_ns_.compare_exchange_strong(never, since_ns, std::memory_order_relaxed);
    CancelToken::cancel();
  }
  // kNever while it is not cancelled.
  int64_t since_ns() const { return since_ns_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> since_ns_{kNever};
};

}  // namespace engine
