// Eight-lane vectors (AVX2, FMA, F16C). The contract is in vec.h.
#pragma once

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/simd/add_product.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/float_bits.h"

namespace engine::ENGINE_TIER {

inline constexpr size_t kWidth = 8;

struct F32 {
  __m256 v;
};
struct I32 {
  __m256i v;
};
struct Mask {
  __m256 v;
};

// All ones in the first n lanes. REQUIRES: n <= 8.
ENGINE_INLINE __m256i first_lanes(size_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), lane);
}

ENGINE_INLINE F32 broadcast(float x) { return {_mm256_set1_ps(x)}; }
ENGINE_INLINE I32 broadcast(int32_t x) { return {_mm256_set1_epi32(x)}; }
ENGINE_INLINE F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
ENGINE_INLINE F32 load(const float* p, size_t n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
ENGINE_INLINE F32 load_or(const float* p, size_t n, F32 other) {
  __m256i mask = first_lanes(n);
  return {_mm256_blendv_ps(other.v, _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask))};
}
ENGINE_INLINE void store(float* p, F32 x) { _mm256_storeu_ps(p, x.v); }
ENGINE_INLINE void store(float* p, F32 x, size_t n) { _mm256_maskstore_ps(p, first_lanes(n), x.v); }
ENGINE_INLINE I32 load(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
ENGINE_INLINE I32 load(const int32_t* p, size_t n) { return {_mm256_maskload_epi32(p, first_lanes(n))}; }
ENGINE_INLINE void store(int32_t* p, I32 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.v); }
ENGINE_INLINE void store(int32_t* p, I32 x, size_t n) { _mm256_maskstore_epi32(p, first_lanes(n), x.v); }

ENGINE_INLINE F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator-(F32 a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
ENGINE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
ENGINE_INLINE F32 add_product(F32 sum, F32 a, F32 b) { return {engine::add_product(sum.v, a.v, b.v)}; }
ENGINE_INLINE F32 fnma(F32 a, F32 b, F32 c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
ENGINE_INLINE F32 min(F32 a, F32 b) { return {_mm256_min_ps(a.v, b.v)}; }
ENGINE_INLINE F32 max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
ENGINE_INLINE F32 sqrt(F32 a) { return {_mm256_sqrt_ps(a.v)}; }
ENGINE_INLINE F32 abs(F32 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
ENGINE_INLINE F32 copysign(F32 magnitude, F32 sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, magnitude.v), _mm256_and_ps(bit, sign.v))};
}
ENGINE_INLINE F32 round_even(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE F32 floor(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE F32 ceil(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE F32 trunc(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)}; }

ENGINE_INLINE Mask lt(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
ENGINE_INLINE Mask le(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
ENGINE_INLINE Mask eq(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
ENGINE_INLINE Mask is_nan(F32 a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
ENGINE_INLINE Mask lt(I32 a, I32 b) { return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.v, a.v))}; }
ENGINE_INLINE Mask eq(I32 a, I32 b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
ENGINE_INLINE Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.v, b.v)}; }
ENGINE_INLINE Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.v, b.v)}; }
ENGINE_INLINE Mask operator~(Mask a) { return {_mm256_xor_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }
ENGINE_INLINE bool any(Mask m) { return _mm256_movemask_ps(m.v) != 0; }
ENGINE_INLINE F32 select(Mask m, F32 a, F32 b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
ENGINE_INLINE I32 select(Mask m, I32 a, I32 b) {
  return {_mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(b.v), _mm256_castsi256_ps(a.v), m.v))};
}
ENGINE_INLINE F32 min_nan(F32 a, F32 b) { return select(is_nan(a), a, min(a, b)); }
ENGINE_INLINE F32 max_nan(F32 a, F32 b) { return select(is_nan(a), a, max(a, b)); }
ENGINE_INLINE void store_bool(uint8_t* p, Mask m) {
  __m256i w = _mm256_castps_si256(m.v);
  __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
  __m128i b = _mm_and_si128(_mm_packs_epi16(h, h), _mm_set1_epi8(1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), b);
}
ENGINE_INLINE void store_bool(uint8_t* p, Mask m, size_t n) {
  uint8_t lane[kWidth];
  store_bool(lane, m);
  for (size_t i = 0; i < n; ++i) p[i] = lane[i];
}

ENGINE_INLINE I32 operator+(I32 a, I32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
ENGINE_INLINE I32 operator-(I32 a, I32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
ENGINE_INLINE I32 operator&(I32 a, I32 b) { return {_mm256_and_si256(a.v, b.v)}; }
ENGINE_INLINE I32 operator|(I32 a, I32 b) { return {_mm256_or_si256(a.v, b.v)}; }
ENGINE_INLINE I32 operator^(I32 a, I32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int k>
ENGINE_INLINE I32 shift_left(I32 a) {
  return {_mm256_slli_epi32(a.v, k)};
}
template <int k>
ENGINE_INLINE I32 shift_right(I32 a) {
  return {_mm256_srli_epi32(a.v, k)};
}
ENGINE_INLINE I32 bits(F32 a) { return {_mm256_castps_si256(a.v)}; }
ENGINE_INLINE F32 as_float(I32 a) { return {_mm256_castsi256_ps(a.v)}; }
ENGINE_INLINE F32 to_float(I32 a) { return {_mm256_cvtepi32_ps(a.v)}; }
ENGINE_INLINE I32 trunc_int(F32 a) { return {_mm256_cvttps_epi32(a.v)}; }
ENGINE_INLINE I32 to_int(F32 a) { return trunc_int(round_even(a)); }

ENGINE_INLINE F32 scale(F32 p, F32 n) {
  F32 half = trunc(n * broadcast(0.5f)), rest = n - half;
  I32 bias = broadcast(int32_t(127));
  return p * as_float(shift_left<23>(trunc_int(half) + bias)) * as_float(shift_left<23>(trunc_int(rest) + bias));
}
ENGINE_INLINE F32 scale_normal(F32 p, F32 n) {
  return p * as_float(shift_left<23>(trunc_int(n) + broadcast(int32_t(127))));
}

ENGINE_INLINE __m128 low_half(__m256 v) { return _mm256_castps256_ps128(v); }
ENGINE_INLINE __m128 high_half(__m256 v) { return _mm256_extractf128_ps(v, 1); }

ENGINE_INLINE float sum(F32 a) {
  __m128 q = _mm_add_ps(low_half(a.v), high_half(a.v));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
ENGINE_INLINE float product(F32 a) {
  __m128 q = _mm_mul_ps(low_half(a.v), high_half(a.v));
  q = _mm_mul_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_mul_ss(q, _mm_movehdup_ps(q)));
}
ENGINE_INLINE float max_lane(F32 a) {
  if (any(is_nan(a))) return NAN;
  __m128 q = _mm_max_ps(low_half(a.v), high_half(a.v));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
ENGINE_INLINE float min_lane(F32 a) { return -max_lane(-a); }

// Copies n two-byte elements into a whole vector; the rest is zero.
ENGINE_INLINE __m128i load_u16_lanes(const uint16_t* p, size_t n) {
  uint16_t lane[kWidth] = {};
  memcpy(lane, p, 2 * n);
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(lane));
}
ENGINE_INLINE void store_u16_lanes(uint16_t* p, __m128i x, size_t n) {
  uint16_t lane[kWidth];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lane), x);
  memcpy(p, lane, 2 * n);
}

ENGINE_INLINE F32 load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
ENGINE_INLINE F32 load_f16(const uint16_t* p, size_t n) { return {_mm256_cvtph_ps(load_u16_lanes(p, n))}; }
ENGINE_INLINE __m128i f16_bits(F32 x) { return _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), f16_bits(x)); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x, size_t n) { store_u16_lanes(p, f16_bits(x), n); }

ENGINE_INLINE F32 widen_bf16(__m128i b) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(b), 16))};
}
ENGINE_INLINE F32 load_bf16(const uint16_t* p) {
  return widen_bf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
ENGINE_INLINE F32 load_bf16(const uint16_t* p, size_t n) { return widen_bf16(load_u16_lanes(p, n)); }
ENGINE_INLINE __m128i bf16_bits(F32 x) {
  I32 u = bits(x), odd = shift_right<16>(u) & broadcast(int32_t(1));
  I32 rounded = shift_right<16>(u + broadcast(int32_t(0x7fff)) + odd);
  I32 quiet = shift_right<16>(u) | broadcast(int32_t(0x40));
  __m256i w = select(is_nan(x), quiet, rounded).v;
  return _mm_packus_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
}
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bf16_bits(x)); }
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x, size_t n) { store_u16_lanes(p, bf16_bits(x), n); }

ENGINE_INLINE I32 load_i8(const int8_t* p) {
  return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
ENGINE_INLINE I32 load_u8(const uint8_t* p) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
ENGINE_INLINE __m128i pack_i16(I32 x) {
  return _mm_packs_epi32(_mm256_castsi256_si128(x.v), _mm256_extracti128_si256(x.v, 1));
}
ENGINE_INLINE void store_i8(int8_t* p, I32 x) {
  __m128i h = pack_i16(x);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(h, h));
}
ENGINE_INLINE void store_u8(uint8_t* p, I32 x) {
  __m128i h = pack_i16(x);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(h, h));
}

}  // namespace engine::ENGINE_TIER
