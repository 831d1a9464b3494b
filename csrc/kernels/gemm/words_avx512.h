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
};

}  // namespace
}  // namespace engine::ENGINE_TIER
