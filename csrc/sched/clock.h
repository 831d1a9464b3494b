// Monotonic time in nanoseconds, with a seam for tests.
#pragma once

#include <cstdint>

namespace engine {

inline constexpr int64_t kNever = INT64_MAX;

// Nanoseconds of the monotonic clock, or of the function that a test installed.
int64_t now_ns();

// For tests: `clock` replaces the monotonic clock; null puts it back. REQUIRES: no call is running.
void set_clock_for_testing(int64_t (*clock)());

}  // namespace engine
