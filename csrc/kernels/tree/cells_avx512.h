// What panels need of AVX-512 (see panel.inl), but for Row.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "kernels/inlining.h"

namespace engine::ENGINE_TIER {
namespace {

struct CellsOf512 {
  static constexpr int bytes = 64, rows = 4;
  using V = __m512i;
  using Key = __m512i;

  static V load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static void store(uint8_t* p, V x) { _mm512_storeu_si512(p, x); }
  static V set(uint8_t x) { return _mm512_set1_epi8(char(x)); }
  static V add(V a, V b) { return _mm512_add_epi8(a, b); }
  static V next(V leaf, V value, V threshold, V least, V number) {
    return _mm512_mask_mov_epi8(leaf, _mm512_mask_cmpge_epu8_mask(_mm512_cmpgt_epu8_mask(value, threshold), leaf, least), number);
  }
  static Key key(float x) {
    const __m512 value = _mm512_add_ps(_mm512_set1_ps(x), _mm512_setzero_ps());
    const __m512i bits = _mm512_castps_si512(value), turned = _mm512_and_si512(_mm512_srai_epi32(bits, 31), _mm512_set1_epi32(INT32_MAX));
    return _mm512_mask_mov_epi32(_mm512_xor_si512(bits, turned), _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), _mm512_set1_epi32(INT32_MIN));
  }
  static int above(Key key, const int32_t* steps) { return int(_mm_popcnt_u32(_mm512_cmpgt_epi32_mask(key, _mm512_loadu_si512(steps)))); }
  template <bool strict>
  static int below(double x, const double* steps) {
    return int(_mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_loadu_pd(steps), _mm512_set1_pd(x), strict ? _CMP_LT_OQ : _CMP_LE_OQ)));
  }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
