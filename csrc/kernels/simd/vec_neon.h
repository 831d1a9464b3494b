// Four-lane vectors (AArch64 Advanced SIMD). The contract is in vec.h.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/simd/compiler.h"
#include "kernels/simd/float_bits.h"

namespace engine::ENGINE_TIER {

inline constexpr size_t kWidth = 4;

struct F32 {
  float32x4_t v;
};
struct I32 {
  int32x4_t v;
};
struct Mask {
  uint32x4_t v;
};

ENGINE_INLINE F32 broadcast(float x) { return {vdupq_n_f32(x)}; }
ENGINE_INLINE I32 broadcast(int32_t x) { return {vdupq_n_s32(x)}; }
ENGINE_INLINE F32 load(const float* p) { return {vld1q_f32(p)}; }
ENGINE_INLINE F32 load(const float* p, size_t n) {
  float lane[kWidth] = {};
  memcpy(lane, p, 4 * n);
  return {vld1q_f32(lane)};
}
ENGINE_INLINE F32 load_or(const float* p, size_t n, F32 other) {
  float lane[kWidth];
  vst1q_f32(lane, other.v);
  memcpy(lane, p, 4 * n);
  return {vld1q_f32(lane)};
}
ENGINE_INLINE void store(float* p, F32 x) { vst1q_f32(p, x.v); }
ENGINE_INLINE void store(float* p, F32 x, size_t n) {
  float lane[kWidth];
  vst1q_f32(lane, x.v);
  memcpy(p, lane, 4 * n);
}
ENGINE_INLINE I32 load(const int32_t* p) { return {vld1q_s32(p)}; }
ENGINE_INLINE I32 load(const int32_t* p, size_t n) {
  int32_t lane[kWidth] = {};
  memcpy(lane, p, 4 * n);
  return {vld1q_s32(lane)};
}
ENGINE_INLINE void store(int32_t* p, I32 x) { vst1q_s32(p, x.v); }
ENGINE_INLINE void store(int32_t* p, I32 x, size_t n) {
  int32_t lane[kWidth];
  vst1q_s32(lane, x.v);
  memcpy(p, lane, 4 * n);
}

ENGINE_INLINE F32 operator+(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
ENGINE_INLINE F32 operator-(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
ENGINE_INLINE F32 operator*(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
ENGINE_INLINE F32 operator/(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
ENGINE_INLINE F32 operator-(F32 a) { return {vnegq_f32(a.v)}; }
ENGINE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
ENGINE_INLINE F32 add_product(F32 sum, F32 a, F32 b) { return fma(a, b, sum); }
ENGINE_INLINE F32 fnma(F32 a, F32 b, F32 c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
ENGINE_INLINE F32 min(F32 a, F32 b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
ENGINE_INLINE F32 max(F32 a, F32 b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
ENGINE_INLINE F32 min_nan(F32 a, F32 b) { return {vminq_f32(a.v, b.v)}; }
ENGINE_INLINE F32 max_nan(F32 a, F32 b) { return {vmaxq_f32(a.v, b.v)}; }
ENGINE_INLINE F32 sqrt(F32 a) { return {vsqrtq_f32(a.v)}; }
ENGINE_INLINE F32 abs(F32 a) { return {vabsq_f32(a.v)}; }
ENGINE_INLINE F32 copysign(F32 magnitude, F32 sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.v, magnitude.v)};
}
ENGINE_INLINE F32 round_even(F32 a) { return {vrndnq_f32(a.v)}; }
ENGINE_INLINE F32 floor(F32 a) { return {vrndmq_f32(a.v)}; }
ENGINE_INLINE F32 ceil(F32 a) { return {vrndpq_f32(a.v)}; }
ENGINE_INLINE F32 trunc(F32 a) { return {vrndq_f32(a.v)}; }

ENGINE_INLINE Mask lt(F32 a, F32 b) { return {vcltq_f32(a.v, b.v)}; }
ENGINE_INLINE Mask le(F32 a, F32 b) { return {vcleq_f32(a.v, b.v)}; }
ENGINE_INLINE Mask eq(F32 a, F32 b) { return {vceqq_f32(a.v, b.v)}; }
ENGINE_INLINE Mask is_nan(F32 a) { return {vmvnq_u32(vceqq_f32(a.v, a.v))}; }
ENGINE_INLINE Mask lt(I32 a, I32 b) { return {vcltq_s32(a.v, b.v)}; }
ENGINE_INLINE Mask eq(I32 a, I32 b) { return {vceqq_s32(a.v, b.v)}; }
ENGINE_INLINE Mask operator&(Mask a, Mask b) { return {vandq_u32(a.v, b.v)}; }
ENGINE_INLINE Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.v, b.v)}; }
ENGINE_INLINE Mask operator~(Mask a) { return {vmvnq_u32(a.v)}; }
ENGINE_INLINE bool any(Mask m) { return vmaxvq_u32(m.v) != 0; }
ENGINE_INLINE F32 select(Mask m, F32 a, F32 b) { return {vbslq_f32(m.v, a.v, b.v)}; }
ENGINE_INLINE I32 select(Mask m, I32 a, I32 b) { return {vbslq_s32(m.v, a.v, b.v)}; }
ENGINE_INLINE void store_bool(uint8_t* p, Mask m, size_t n) {
  uint32_t lane[kWidth];
  vst1q_u32(lane, m.v);
  for (size_t i = 0; i < n; ++i) p[i] = uint8_t(lane[i] & 1u);
}
ENGINE_INLINE void store_bool(uint8_t* p, Mask m) {
  uint16x4_t h = vmovn_u32(vandq_u32(m.v, vdupq_n_u32(1)));
  uint8x8_t b = vmovn_u16(vcombine_u16(h, h));
  vst1_lane_u32(reinterpret_cast<uint32_t*>(p), vreinterpret_u32_u8(b), 0);
}

ENGINE_INLINE I32 operator+(I32 a, I32 b) { return {vaddq_s32(a.v, b.v)}; }
ENGINE_INLINE I32 operator-(I32 a, I32 b) { return {vsubq_s32(a.v, b.v)}; }
ENGINE_INLINE I32 operator&(I32 a, I32 b) { return {vandq_s32(a.v, b.v)}; }
ENGINE_INLINE I32 operator|(I32 a, I32 b) { return {vorrq_s32(a.v, b.v)}; }
ENGINE_INLINE I32 operator^(I32 a, I32 b) { return {veorq_s32(a.v, b.v)}; }
template <int k>
ENGINE_INLINE I32 shift_left(I32 a) {
  return {vshlq_n_s32(a.v, k)};
}
template <int k>
ENGINE_INLINE I32 shift_right(I32 a) {
  return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), k))};
}
ENGINE_INLINE I32 bits(F32 a) { return {vreinterpretq_s32_f32(a.v)}; }
ENGINE_INLINE F32 as_float(I32 a) { return {vreinterpretq_f32_s32(a.v)}; }
ENGINE_INLINE F32 to_float(I32 a) { return {vcvtq_f32_s32(a.v)}; }
ENGINE_INLINE I32 to_int(F32 a) { return {vcvtnq_s32_f32(a.v)}; }
ENGINE_INLINE I32 trunc_int(F32 a) { return {vcvtq_s32_f32(a.v)}; }

ENGINE_INLINE F32 scale(F32 p, F32 n) {
  F32 half = trunc(n * broadcast(0.5f)), rest = n - half;
  I32 bias = broadcast(int32_t(127));
  return p * as_float(shift_left<23>(trunc_int(half) + bias)) * as_float(shift_left<23>(trunc_int(rest) + bias));
}
ENGINE_INLINE F32 scale_normal(F32 p, F32 n) {
  return p * as_float(shift_left<23>(trunc_int(n) + broadcast(int32_t(127))));
}

ENGINE_INLINE float sum(F32 a) {
  float32x2_t h = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
ENGINE_INLINE float product(F32 a) {
  float32x2_t h = vmul_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(h, 0) * vget_lane_f32(h, 1);
}
ENGINE_INLINE float max_lane(F32 a) { return vmaxvq_f32(a.v); }
ENGINE_INLINE float min_lane(F32 a) { return vminvq_f32(a.v); }

ENGINE_INLINE F32 load_f16(const uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
ENGINE_INLINE uint16x4_t load_u16_lanes(const uint16_t* p, size_t n) {
  uint16_t lane[kWidth] = {};
  memcpy(lane, p, 2 * n);
  return vld1_u16(lane);
}
ENGINE_INLINE void store_u16_lanes(uint16_t* p, uint16x4_t x, size_t n) {
  uint16_t lane[kWidth];
  vst1_u16(lane, x);
  memcpy(p, lane, 2 * n);
}
ENGINE_INLINE F32 load_f16(const uint16_t* p, size_t n) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(load_u16_lanes(p, n)))};
}
ENGINE_INLINE uint16x4_t f16_bits(F32 x) { return vreinterpret_u16_f16(vcvt_f16_f32(x.v)); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x) { vst1_u16(p, f16_bits(x)); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x, size_t n) { store_u16_lanes(p, f16_bits(x), n); }

ENGINE_INLINE F32 widen_bf16(uint16x4_t b) { return {vreinterpretq_f32_u32(vshll_n_u16(b, 16))}; }
ENGINE_INLINE F32 load_bf16(const uint16_t* p) { return widen_bf16(vld1_u16(p)); }
ENGINE_INLINE F32 load_bf16(const uint16_t* p, size_t n) { return widen_bf16(load_u16_lanes(p, n)); }
ENGINE_INLINE uint16x4_t bf16_bits(F32 x) {
  I32 u = bits(x), odd = shift_right<16>(u) & broadcast(int32_t(1));
  I32 rounded = shift_right<16>(u + broadcast(int32_t(0x7fff)) + odd);
  I32 quiet = shift_right<16>(u) | broadcast(int32_t(0x40));
  return vmovn_u32(vreinterpretq_u32_s32(select(is_nan(x), quiet, rounded).v));
}
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x) { vst1_u16(p, bf16_bits(x)); }
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x, size_t n) { store_u16_lanes(p, bf16_bits(x), n); }

ENGINE_INLINE I32 load_i8(const int8_t* p) {
  const int8_t lane[8] = {p[0], p[1], p[2], p[3]};
  return {vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(lane))))};
}
ENGINE_INLINE I32 load_u8(const uint8_t* p) {
  const uint8_t lane[8] = {p[0], p[1], p[2], p[3]};
  return {vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(lane)))))};
}
ENGINE_INLINE void store_i8(int8_t* p, I32 x) {
  int16x4_t h = vqmovn_s32(x.v);
  int8_t lane[8];
  vst1_s8(lane, vqmovn_s16(vcombine_s16(h, h)));
  memcpy(p, lane, kWidth);
}
ENGINE_INLINE void store_u8(uint8_t* p, I32 x) {
  int16x4_t h = vqmovn_s32(x.v);
  uint8_t lane[8];
  vst1_u8(lane, vqmovun_s16(vcombine_s16(h, h)));
  memcpy(p, lane, kWidth);
}

}  // namespace engine::ENGINE_TIER
