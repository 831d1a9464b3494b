// Sixteen-lane vectors (AVX-512 F, BW, DQ, VL). The contract is in vec.h.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's _mm512_undefined_ps warns of itself
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/simd/add_product.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/float_bits.h"

namespace engine::ENGINE_TIER {

inline constexpr size_t kWidth = 16;

struct F32 {
  __m512 v;
};
struct I32 {
  __m512i v;
};
struct Mask {
  __mmask16 v;
};

// The first n lanes. REQUIRES: n <= 16.
ENGINE_INLINE __mmask16 first_lanes(size_t n) { return __mmask16((1u << n) - 1u); }

ENGINE_INLINE F32 broadcast(float x) { return {_mm512_set1_ps(x)}; }
ENGINE_INLINE I32 broadcast(int32_t x) { return {_mm512_set1_epi32(x)}; }
ENGINE_INLINE F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
ENGINE_INLINE F32 load(const float* p, size_t n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
ENGINE_INLINE F32 load_or(const float* p, size_t n, F32 other) {
  return {_mm512_mask_loadu_ps(other.v, first_lanes(n), p)};
}
ENGINE_INLINE void store(float* p, F32 x) { _mm512_storeu_ps(p, x.v); }
ENGINE_INLINE void store(float* p, F32 x, size_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), x.v); }
ENGINE_INLINE I32 load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
ENGINE_INLINE I32 load(const int32_t* p, size_t n) { return {_mm512_maskz_loadu_epi32(first_lanes(n), p)}; }
ENGINE_INLINE void store(int32_t* p, I32 x) { _mm512_storeu_si512(p, x.v); }
ENGINE_INLINE void store(int32_t* p, I32 x, size_t n) { _mm512_mask_storeu_epi32(p, first_lanes(n), x.v); }

ENGINE_INLINE F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
ENGINE_INLINE F32 operator-(F32 a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
ENGINE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
ENGINE_INLINE F32 add_product(F32 sum, F32 a, F32 b) { return {engine::add_product(sum.v, a.v, b.v)}; }
ENGINE_INLINE F32 fnma(F32 a, F32 b, F32 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
ENGINE_INLINE F32 min(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
ENGINE_INLINE F32 max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
ENGINE_INLINE F32 sqrt(F32 a) { return {_mm512_sqrt_ps(a.v)}; }
ENGINE_INLINE F32 abs(F32 a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
ENGINE_INLINE F32 copysign(F32 magnitude, F32 sign) {
  __m512i m = _mm512_castps_si512(magnitude.v), s = _mm512_castps_si512(sign.v);
  return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32(int(0x80000000u)), m, s, 0xac))};
}
ENGINE_INLINE F32 round_even(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE F32 floor(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE F32 ceil(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE F32 trunc(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)}; }

ENGINE_INLINE Mask lt(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
ENGINE_INLINE Mask le(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
ENGINE_INLINE Mask eq(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
ENGINE_INLINE Mask is_nan(F32 a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
ENGINE_INLINE Mask lt(I32 a, I32 b) { return {_mm512_cmplt_epi32_mask(a.v, b.v)}; }
ENGINE_INLINE Mask eq(I32 a, I32 b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
ENGINE_INLINE Mask operator&(Mask a, Mask b) { return {__mmask16(a.v & b.v)}; }
ENGINE_INLINE Mask operator|(Mask a, Mask b) { return {__mmask16(a.v | b.v)}; }
ENGINE_INLINE Mask operator~(Mask a) { return {__mmask16(~a.v)}; }
ENGINE_INLINE bool any(Mask m) { return m.v != 0; }
ENGINE_INLINE F32 select(Mask m, F32 a, F32 b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
ENGINE_INLINE I32 select(Mask m, I32 a, I32 b) { return {_mm512_mask_blend_epi32(m.v, b.v, a.v)}; }
ENGINE_INLINE F32 min_nan(F32 a, F32 b) { return select(is_nan(a), a, min(a, b)); }
ENGINE_INLINE F32 max_nan(F32 a, F32 b) { return select(is_nan(a), a, max(a, b)); }
ENGINE_INLINE void store_bool(uint8_t* p, Mask m) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(m.v, 1));
}
ENGINE_INLINE void store_bool(uint8_t* p, Mask m, size_t n) {
  _mm_mask_storeu_epi8(p, first_lanes(n), _mm_maskz_set1_epi8(m.v, 1));
}

ENGINE_INLINE I32 operator+(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
ENGINE_INLINE I32 operator-(I32 a, I32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
ENGINE_INLINE I32 operator&(I32 a, I32 b) { return {_mm512_and_si512(a.v, b.v)}; }
ENGINE_INLINE I32 operator|(I32 a, I32 b) { return {_mm512_or_si512(a.v, b.v)}; }
ENGINE_INLINE I32 operator^(I32 a, I32 b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int k>
ENGINE_INLINE I32 shift_left(I32 a) {
  return {_mm512_slli_epi32(a.v, k)};
}
template <int k>
ENGINE_INLINE I32 shift_right(I32 a) {
  return {_mm512_srli_epi32(a.v, k)};
}
ENGINE_INLINE I32 bits(F32 a) { return {_mm512_castps_si512(a.v)}; }
ENGINE_INLINE F32 as_float(I32 a) { return {_mm512_castsi512_ps(a.v)}; }
ENGINE_INLINE F32 to_float(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }
ENGINE_INLINE I32 to_int(F32 a) { return {_mm512_cvt_roundps_epi32(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
ENGINE_INLINE I32 trunc_int(F32 a) { return {_mm512_cvttps_epi32(a.v)}; }
ENGINE_INLINE F32 scale(F32 p, F32 n) { return {_mm512_scalef_ps(p.v, n.v)}; }
ENGINE_INLINE F32 scale_normal(F32 p, F32 n) { return scale(p, n); }

ENGINE_INLINE __m256 low_half(__m512 v) { return _mm512_castps512_ps256(v); }
ENGINE_INLINE __m256 high_half(__m512 v) { return _mm512_extractf32x8_ps(v, 1); }
ENGINE_INLINE __m128 low_half(__m256 v) { return _mm256_castps256_ps128(v); }
ENGINE_INLINE __m128 high_half(__m256 v) { return _mm256_extractf128_ps(v, 1); }

ENGINE_INLINE float sum(F32 a) {
  __m256 h = _mm256_add_ps(low_half(a.v), high_half(a.v));
  __m128 q = _mm_add_ps(low_half(h), high_half(h));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
ENGINE_INLINE float product(F32 a) {
  __m256 h = _mm256_mul_ps(low_half(a.v), high_half(a.v));
  __m128 q = _mm_mul_ps(low_half(h), high_half(h));
  q = _mm_mul_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_mul_ss(q, _mm_movehdup_ps(q)));
}
ENGINE_INLINE float max_lane(F32 a) {
  if (any(is_nan(a))) return NAN;
  __m256 h = _mm256_max_ps(low_half(a.v), high_half(a.v));
  __m128 q = _mm_max_ps(low_half(h), high_half(h));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
ENGINE_INLINE float min_lane(F32 a) { return -max_lane(-a); }

ENGINE_INLINE F32 load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
ENGINE_INLINE F32 load_f16(const uint16_t* p, size_t n) {
  return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p))};
}
ENGINE_INLINE __m256i f16_bits(F32 x) { return _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), f16_bits(x)); }
ENGINE_INLINE void store_f16(uint16_t* p, F32 x, size_t n) { _mm256_mask_storeu_epi16(p, first_lanes(n), f16_bits(x)); }

ENGINE_INLINE F32 widen_bf16(__m256i b) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16))};
}
ENGINE_INLINE F32 load_bf16(const uint16_t* p) {
  return widen_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
ENGINE_INLINE F32 load_bf16(const uint16_t* p, size_t n) {
  return widen_bf16(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
ENGINE_INLINE __m256i bf16_bits(F32 x) {
  I32 u = bits(x), odd = shift_right<16>(u) & broadcast(int32_t(1));
  I32 rounded = shift_right<16>(u + broadcast(int32_t(0x7fff)) + odd);
  I32 quiet = shift_right<16>(u) | broadcast(int32_t(0x40));
  return _mm512_cvtepi32_epi16(select(is_nan(x), quiet, rounded).v);
}
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), bf16_bits(x)); }
ENGINE_INLINE void store_bf16(uint16_t* p, F32 x, size_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes(n), bf16_bits(x));
}

ENGINE_INLINE I32 load_i8(const int8_t* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
ENGINE_INLINE I32 load_u8(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
ENGINE_INLINE void store_i8(int8_t* p, I32 x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(x.v));
}
ENGINE_INLINE void store_u8(uint8_t* p, I32 x) {
  __m512i positive = _mm512_max_epi32(x.v, _mm512_setzero_si512());
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(positive));
}

}  // namespace engine::ENGINE_TIER
