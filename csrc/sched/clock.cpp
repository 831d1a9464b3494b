#include "sched/clock.h"

#include <atomic>
#include <chrono>

namespace engine {
namespace {
std::atomic<int64_t (*)()> g_clock{nullptr};
}

int64_t now_ns() {
  if (auto clock = g_clock.load(std::memory_order_relaxed)) return clock();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void set_clock_for_testing(int64_t (*clock)()) { g_clock.store(clock, std::memory_order_relaxed); }

}  // namespace engine
