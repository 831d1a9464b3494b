// Vectors of 16 int32.
#pragma once

#include <string.h>

#include "kernels/gemm/registers.inl"

namespace engine::ENGINE_TIER {
namespace {

struct Words {
  using V = __m512i;

  static V zero() { return _mm512_setzero_si512(); }
  static V set(uint32_t x) { return _mm512_set1_epi32(int(x)); }
  static V load(const uint32_t* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, V x) { _mm512_storeu_si512(p, x); }
  static V add(V a, V b) { return _mm512_add_epi32(a, b); }
  static V sub(V a, V b) { return _mm512_sub_epi32(a, b); }
  static V mul(V a, V b) { return _mm512_mullo_epi32(a, b); }
  static F32 to_float(V x) { return {_mm512_cvtepi32_ps(x)}; }
  // Halves to even. REQUIRES: within int32.
  static V round(F32 x) { return _mm512_cvtps_epi32(x.v); }
  // The low bytes, 16 of them.
  static void store_bytes(void* p, V x) { _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x)); }
  // The first `count` of them.
  static void store_bytes(void* p, V x, int count) {
    if (count == kLanes) return store_bytes(p, x);
    _mm512_mask_cvtepi32_storeu_epi8(p, __mmask16((1u << count) - 1), x);
  }

  // A panel's four vectors at once: saturated to int16, `zero` (of int16) added, saturated to bytes, at least `low` (of
  // bytes), 64 of them stored.
  static constexpr bool stores_panels = true;
  static V words_of(int x) { return _mm512_set1_epi16(short(x)); }
  static V bytes_of(int x) { return _mm512_set1_epi8(char(x)); }
  static void store_panel(void* p, V a, V b, V c, V d, V zero, V low, bool is_signed) {
    const V ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero), cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
    const V in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const V bytes = is_signed ? _mm512_max_epi8(low, _mm512_packs_epi16(ab, cd)) : _mm512_max_epu8(low, _mm512_packus_epi16(ab, cd));
    _mm512_storeu_si512(p, _mm512_permutexvar_epi32(in_order, bytes));
  }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
