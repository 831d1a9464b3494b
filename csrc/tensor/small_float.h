// Floats of 8 bits and below, one to a byte: float8 (e4m3fn, e4m3fnuz, e5m2, e5m2fnuz, e8m0), float6 and float4.
#pragma once

#include "tensor/dtype.h"

namespace engine {

inline constexpr bool is_small_float(DType d) {
  return contains(dtypes::kFloat8 | dtype_set(DType::Float4E2M1, DType::Float6E2M3, DType::Float6E3M2), d);
}

// The values of the 256 bytes of `dtype` (bits above its width do not count). REQUIRES: is_small_float(dtype).
const float* small_float_values(DType dtype);

enum class RoundMode : uint8_t { Up, Down, Nearest };

// How a float becomes a small float: to nearest, ties to even. Out of range: the largest finite value when saturating,
// else infinity where the type has one, NaN where not (float6 and float4 have neither and always saturate).
struct SmallFloatRounding {
  bool saturate = true;
  RoundMode e8m0 = RoundMode::Up;  // e8m0 has its own rounding: away from zero, towards zero, to nearest
};

// y[i] = x[i] as `dtype`. REQUIRES: is_small_float(dtype).
void to_small_float(DType dtype, SmallFloatRounding rounding, const float* x, uint8_t* y, int64_t n);

// Double to the float that rounds once more to any narrower float as the double itself would (inexact results get an odd
// last bit).
float round_to_odd(double x);

}  // namespace engine
