// Vectors of 64-bit and 32-bit elements.
#pragma once

#include "kernels/gemm/typed_lanes_plain.h"

namespace engine::ENGINE_TIER {
namespace {

struct DoubleLanes {
  using T = double;
  using V = __m256d;
  static constexpr int width = 4, registers = 16;
  static V zero() { return _mm256_setzero_pd(); }
  static V set(T x) { return _mm256_set1_pd(x); }
  static V load(const T* p) { return _mm256_loadu_pd(p); }
  static void store(T* p, V x) { _mm256_storeu_pd(p, x); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
};

struct Word32Lanes {
  using T = uint32_t;
  using V = __m256i;
  static constexpr int width = 8, registers = 16;
  static V zero() { return _mm256_setzero_si256(); }
  static V set(T x) { return _mm256_set1_epi32(int(x)); }
  static V load(const T* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }
  static void store(T* p, V x) { _mm256_storeu_si256(reinterpret_cast<V*>(p), x); }
  static V fma(V a, V b, V c) { return _mm256_add_epi32(_mm256_mullo_epi32(a, b), c); }
};

using Word64Lanes = PlainLanes<uint64_t, 4, 16>;

}  // namespace
}  // namespace engine::ENGINE_TIER
