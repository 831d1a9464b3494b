// Cutting work into tiles.
#pragma once

#include <stdint.h>

namespace engine {

// REQUIRES: a >= 0, b > 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The number of units, each of `cost`, that make a tile of about `microseconds` at `cost_per_microsecond`;
// 1 <= result <= max(count, 1).
constexpr int64_t units_per_tile(double cost, double cost_per_microsecond, double microseconds, int64_t count) {
  double units = cost > 0 ? cost_per_microsecond * microseconds / cost : double(count);
  if (units >= double(count)) return count > 1 ? count : 1;
  return units > 1 ? int64_t(units) : 1;
}

}  // namespace engine
