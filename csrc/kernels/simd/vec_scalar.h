// One-lane vectors in plain C++: the reference for every other tier. The contract is in vec.h.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/simd/compiler.h"
#include "kernels/simd/float_bits.h"

namespace engine::ENGINE_TIER {

inline constexpr size_t kWidth = 1;

struct F32 {
  float v;
};
struct I32 {
  int32_t v;
};
struct Mask {
  bool v;
};

ENGINE_INLINE F32 broadcast(float x) { return {x}; }
ENGINE_INLINE I32 broadcast(int32_t x) { return {x}; }
ENGINE_INLINE F32 load(const float* p) {
  F32 x;
  memcpy(&x.v, p, sizeof x.v);
  return x;
}
ENGINE_INLINE F32 load(const float* p, size_t n) { return n ? load(p) : F32{0.0f}; }
ENGINE_INLINE F32 load_or(const float* p, size_t n, F32 other) { return {n ? *p : other.v}; }
ENGINE_INLINE void store(float* p, F32 x) { *p = x.v; }
ENGINE_INLINE void store(float* p, F32 x, size_t n) {
  if (n) *p = x.v;
}
ENGINE_INLINE I32 load(const int32_t* p) { return {*p}; }
ENGINE_INLINE I32 load(const int32_t* p, size_t n) { return {n ? *p : 0}; }
ENGINE_INLINE void store(int32_t* p, I32 x) { *p = x.v; }
ENGINE_INLINE void store(int32_t* p, I32 x, size_t n) {
  if (n) *p = x.v;
}

ENGINE_INLINE F32 operator+(F32 a, F32 b) { return {a.v + b.v}; }
ENGINE_INLINE F32 operator-(F32 a, F32 b) { return {a.v - b.v}; }
ENGINE_INLINE F32 operator*(F32 a, F32 b) { return {a.v * b.v}; }
ENGINE_INLINE F32 operator/(F32 a, F32 b) { return {a.v / b.v}; }
ENGINE_INLINE F32 operator-(F32 a) { return {-a.v}; }
ENGINE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {float(double(a.v) * double(b.v) + double(c.v))}; }
ENGINE_INLINE F32 add_product(F32 sum, F32 a, F32 b) { return fma(a, b, sum); }
ENGINE_INLINE F32 fnma(F32 a, F32 b, F32 c) { return {float(double(c.v) - double(a.v) * double(b.v))}; }
ENGINE_INLINE F32 min(F32 a, F32 b) { return {a.v < b.v ? a.v : b.v}; }
ENGINE_INLINE F32 max(F32 a, F32 b) { return {a.v > b.v ? a.v : b.v}; }
ENGINE_INLINE F32 min_nan(F32 a, F32 b) { return {a.v < b.v || a.v != a.v ? a.v : b.v}; }
ENGINE_INLINE F32 max_nan(F32 a, F32 b) { return {a.v > b.v || a.v != a.v ? a.v : b.v}; }
ENGINE_INLINE F32 sqrt(F32 a) { return {::sqrtf(a.v)}; }
ENGINE_INLINE F32 abs(F32 a) { return {bits_float(float_bits(a.v) & 0x7fffffffu)}; }
ENGINE_INLINE F32 copysign(F32 magnitude, F32 sign) {
  return {bits_float((float_bits(magnitude.v) & 0x7fffffffu) | (float_bits(sign.v) & 0x80000000u))};
}
ENGINE_INLINE F32 round_even(F32 a) { return {::nearbyintf(a.v)}; }
ENGINE_INLINE F32 floor(F32 a) { return {::floorf(a.v)}; }
ENGINE_INLINE F32 ceil(F32 a) { return {::ceilf(a.v)}; }
ENGINE_INLINE F32 trunc(F32 a) { return {::truncf(a.v)}; }

ENGINE_INLINE Mask lt(F32 a, F32 b) { return {a.v < b.v}; }
ENGINE_INLINE Mask le(F32 a, F32 b) { return {a.v <= b.v}; }
ENGINE_INLINE Mask eq(F32 a, F32 b) { return {a.v == b.v}; }
ENGINE_INLINE Mask is_nan(F32 a) { return {a.v != a.v}; }
ENGINE_INLINE Mask lt(I32 a, I32 b) { return {a.v < b.v}; }
ENGINE_INLINE Mask eq(I32 a, I32 b) { return {a.v == b.v}; }
ENGINE_INLINE Mask operator&(Mask a, Mask b) { return {a.v && b.v}; }
ENGINE_INLINE Mask operator|(Mask a, Mask b) { return {a.v || b.v}; }
ENGINE_INLINE Mask operator~(Mask a) { return {!a.v}; }
ENGINE_INLINE bool any(Mask m) { return m.v; }
ENGINE_INLINE F32 select(Mask m, F32 a, F32 b) { return {m.v ? a.v : b.v}; }
ENGINE_INLINE I32 select(Mask m, I32 a, I32 b) { return {m.v ? a.v : b.v}; }
ENGINE_INLINE void store_bool(uint8_t* p, Mask m) { *p = m.v; }
ENGINE_INLINE void store_bool(uint8_t* p, Mask m, size_t n) {
  if (n) *p = m.v;
}

ENGINE_INLINE I32 operator+(I32 a, I32 b) { return {int32_t(uint32_t(a.v) + uint32_t(b.v))}; }
ENGINE_INLINE I32 operator-(I32 a, I32 b) { return {int32_t(uint32_t(a.v) - uint32_t(b.v))}; }
ENGINE_INLINE I32 operator&(I32 a, I32 b) { return {a.v & b.v}; }
ENGINE_INLINE I32 operator|(I32 a, I32 b) { return {a.v | b.v}; }
ENGINE_INLINE I32 operator^(I32 a, I32 b) { return {a.v ^ b.v}; }
template <int k>
ENGINE_INLINE I32 shift_left(I32 a) {
  return {int32_t(uint32_t(a.v) << k)};
}
template <int k>
ENGINE_INLINE I32 shift_right(I32 a) {
  return {int32_t(uint32_t(a.v) >> k)};
}
ENGINE_INLINE I32 bits(F32 a) { return {int32_t(float_bits(a.v))}; }
ENGINE_INLINE F32 as_float(I32 a) { return {bits_float(uint32_t(a.v))}; }
ENGINE_INLINE F32 to_float(I32 a) { return {float(a.v)}; }
ENGINE_INLINE I32 trunc_int(F32 a) {
  return {a.v >= -2147483648.0f && a.v < 2147483648.0f ? int32_t(a.v) : INT32_MIN};
}
ENGINE_INLINE I32 to_int(F32 a) { return trunc_int(round_even(a)); }

ENGINE_INLINE F32 scale(F32 p, F32 n) {
  int32_t k = trunc_int(n).v, half = k / 2;
  return {p.v * bits_float(uint32_t(half + 127) << 23) * bits_float(uint32_t(k - half + 127) << 23)};
}
ENGINE_INLINE F32 scale_normal(F32 p, F32 n) {
  return p * as_float(shift_left<23>(trunc_int(n) + broadcast(int32_t(127))));
}

ENGINE_INLINE float sum(F32 a) { return a.v; }
ENGINE_INLINE float product(F32 a) { return a.v; }
ENGINE_INLINE float min_lane(F32 a) { return a.v; }
ENGINE_INLINE float max_lane(F32 a) { return a.v; }

ENGINE_INLINE F32 load_f16(const uint16_t* p) { return {f16_to_f32(*p)}; }
ENGINE_INLINE F32 load_f16(const uint16_t* p, size_t n) { return {n ? f16_to_f32(*p) : 0.0f}; }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x) { *p = f32_to_f16(x.v); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x, size_t n) {
  if (n) *p = f32_to_f16(x.v);
}
ENGINE_INLINE F32 load_bf16(const uint16_t* p) { return {bf16_to_f32(*p)}; }
ENGINE_INLINE F32 load_bf16(const uint16_t* p, size_t n) { return {n ? bf16_to_f32(*p) : 0.0f}; }
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x) { *p = f32_to_bf16(x.v); }
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x, size_t n) {
  if (n) *p = f32_to_bf16(x.v);
}
ENGINE_INLINE I32 load_i8(const int8_t* p) { return {*p}; }
ENGINE_INLINE I32 load_u8(const uint8_t* p) { return {*p}; }
ENGINE_INLINE void store_i8(int8_t* p, I32 x) { *p = int8_t(x.v < -128 ? -128 : x.v > 127 ? 127 : x.v); }
ENGINE_INLINE void store_u8(uint8_t* p, I32 x) { *p = uint8_t(x.v < 0 ? 0 : x.v > 255 ? 255 : x.v); }

}  // namespace engine::ENGINE_TIER
