// One-element conversions between any two element types. For tier files.
#pragma once

#include <stdint.h>
#include <string.h>

#include "kernels/simd/float_bits.h"

namespace engine::ENGINE_TIER {

// Storage that needs a type of its own to be told apart.
struct HalfBits {
  uint16_t bits;
};
struct BFloatBits {
  uint16_t bits;
};
struct Boolean {
  uint8_t value;
};

// The number that is stored.
template <class T>
ENGINE_INLINE T number(T x) {
  return x;
}
ENGINE_INLINE float number(HalfBits x) { return f16_to_f32(x.bits); }
ENGINE_INLINE float number(BFloatBits x) { return bf16_to_f32(x.bits); }
ENGINE_INLINE uint8_t number(Boolean x) { return x.value; }

// `x` towards zero, or the lowest value when it is out of range or NaN.
template <class Float>
ENGINE_INLINE int32_t truncate_i32(Float x) {
  return x > Float(-2147483649.0) && x < Float(2147483648.0) ? int32_t(x) : INT32_MIN;
}
ENGINE_INLINE int32_t truncate_i32(float x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? int32_t(x) : INT32_MIN;
}
template <class Float>
ENGINE_INLINE int64_t truncate_i64(Float x) {
  return x >= Float(-0x1p63) && x < Float(0x1p63) ? int64_t(x) : INT64_MIN;
}
template <class Float>
ENGINE_INLINE uint64_t truncate_u64(Float x) {
  return x < Float(0x1p63) ? uint64_t(truncate_i64(x)) : uint64_t(truncate_i64(x - Float(0x1p63))) + (uint64_t(1) << 63);
}

// A float with x's value when that is representable, and otherwise the neighbour whose last bit is odd: rounding it
// again to a narrower type is then the same as rounding x.
ENGINE_INLINE float round_to_odd(double x) {
  uint64_t u;
  memcpy(&u, &x, 8);
  const uint64_t dropped = (uint64_t(1) << 29) - 1;
  u = (u & ~dropped) | (u & dropped ? dropped + 1 : 0);
  memcpy(&x, &u, 8);
  return float(x);
}

template <class To>
struct Cast {
  template <class N>
  static ENGINE_INLINE To from(N x) {
    return To(x);
  }
};

#define ENGINE_CAST_TRUNCATE(To, through)                            \
  template <>                                                        \
  struct Cast<To> {                                                  \
    template <class N>                                               \
    static ENGINE_INLINE To from(N x) {                              \
      return To(x);                                                  \
    }                                                                \
    static ENGINE_INLINE To from(float x) { return To(through(x)); }  \
    static ENGINE_INLINE To from(double x) { return To(through(x)); } \
  };
ENGINE_CAST_TRUNCATE(int8_t, truncate_i32)
ENGINE_CAST_TRUNCATE(int16_t, truncate_i32)
ENGINE_CAST_TRUNCATE(int32_t, truncate_i32)
ENGINE_CAST_TRUNCATE(int64_t, truncate_i64)
ENGINE_CAST_TRUNCATE(uint8_t, truncate_i32)
ENGINE_CAST_TRUNCATE(uint16_t, truncate_i32)
ENGINE_CAST_TRUNCATE(uint32_t, truncate_i64)
ENGINE_CAST_TRUNCATE(uint64_t, truncate_u64)
#undef ENGINE_CAST_TRUNCATE

template <>
struct Cast<HalfBits> {
  template <class N>
  static ENGINE_INLINE HalfBits from(N x) {
    return {f32_to_f16(float(x))};
  }
  static ENGINE_INLINE HalfBits from(double x) { return {f32_to_f16(round_to_odd(x))}; }
};
template <>
struct Cast<BFloatBits> {
  template <class N>
  static ENGINE_INLINE BFloatBits from(N x) {
    return {f32_to_bf16(float(x))};
  }
  static ENGINE_INLINE BFloatBits from(double x) { return {f32_to_bf16(round_to_odd(x))}; }
};
template <>
struct Cast<Boolean> {
  template <class N>
  static ENGINE_INLINE Boolean from(N x) {
    return {uint8_t(x != 0)};
  }
};

}  // namespace engine::ENGINE_TIER
