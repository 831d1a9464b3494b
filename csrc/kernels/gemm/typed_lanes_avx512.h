// Vectors of 64-bit and 32-bit elements.
#pragma once

#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {
namespace {

struct DoubleLanes {
  using T = double;
  using V = __m512d;
  static constexpr int width = 8, registers = 32;
  static V zero() { return _mm512_setzero_pd(); }
  static V set(T x) { return _mm512_set1_pd(x); }
  static V load(const T* p) { return _mm512_loadu_pd(p); }
  static void store(T* p, V x) { _mm512_storeu_pd(p, x); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
};

struct Word32Lanes {
  using T = uint32_t;
  using V = __m512i;
  static constexpr int width = 16, registers = 32;
  static V zero() { return _mm512_setzero_si512(); }
  static V set(T x) { return _mm512_set1_epi32(int(x)); }
  static V load(const T* p) { return _mm512_loadu_si512(p); }
  static void store(T* p, V x) { _mm512_storeu_si512(p, x); }
  static V fma(V a, V b, V c) { return _mm512_add_epi32(_mm512_mullo_epi32(a, b), c); }
};

struct Word64Lanes {
  using T = uint64_t;
  using V = __m512i;
  static constexpr int width = 8, registers = 32;
  static V zero() { return _mm512_setzero_si512(); }
  static V set(T x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  static V load(const T* p) { return _mm512_loadu_si512(p); }
  static void store(T* p, V x) { _mm512_storeu_si512(p, x); }
  static V fma(V a, V b, V c) { return _mm512_add_epi64(_mm512_mullo_epi64(a, b), c); }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
