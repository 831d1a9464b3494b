// Integer arithmetic that reports overflow instead of wrapping.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine {

// *out = a * b; false on overflow or when an operand is negative.
inline bool checked_mul(int64_t a, int64_t b, int64_t* out) {
  if (a < 0 || b < 0) return false;
  if (a != 0 && b > INT64_MAX / a) return false;
  *out = a * b;
  return true;
}

// *out = a + b; false on overflow or when an operand is negative.
inline bool checked_add(int64_t a, int64_t b, int64_t* out) {
  if (a < 0 || b < 0 || a > INT64_MAX - b) return false;
  *out = a + b;
  return true;
}

inline constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
inline constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace engine
