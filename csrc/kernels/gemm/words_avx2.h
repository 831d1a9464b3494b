// Vectors of 8 int32.
#pragma once

#include <string.h>

#include "kernels/gemm/registers.inl"

namespace engine::ENGINE_TIER {
namespace {

struct Words {
  using V = __m256i;

  static V zero() { return _mm256_setzero_si256(); }
  static V set(uint32_t x) { return _mm256_set1_epi32(int(x)); }
  static V load(const uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }
  static void store(void* p, V x) { _mm256_storeu_si256(static_cast<V*>(p), x); }
  static V add(V a, V b) { return _mm256_add_epi32(a, b); }
  static V sub(V a, V b) { return _mm256_sub_epi32(a, b); }
  static V mul(V a, V b) { return _mm256_mullo_epi32(a, b); }
  static F32 to_float(V x) { return {_mm256_cvtepi32_ps(x)}; }
  // Halves to even. REQUIRES: within int32.
  static V round(F32 x) { return _mm256_cvtps_epi32(x.v); }
  // The low bytes, 8 of them.
  static void store_bytes(void* p, V x) {
    const V low_bytes = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1,
                                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const V fours = _mm256_shuffle_epi8(x, low_bytes);
    const __m128i eight = _mm_unpacklo_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
    _mm_storel_epi64(static_cast<__m128i*>(p), eight);
  }
  // The first `count` of them.
  static void store_bytes(void* p, V x, int count) {
    if (count == kLanes) return store_bytes(p, x);
    uint8_t whole[kLanes];
    store_bytes(whole, x);
    memcpy(p, whole, size_t(count));
  }
  static constexpr bool stores_panels = false;
};

}  // namespace
}  // namespace engine::ENGINE_TIER
