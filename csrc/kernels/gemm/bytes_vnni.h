// Products of unsigned by signed bytes, four at a time.
#pragma once

#include "kernels/gemm/words_avx512.h"

namespace engine::ENGINE_TIER {
namespace {

struct Bytes : Words {
  using A = uint8_t;  // how A is held
  static constexpr int64_t tile_macs = 8000000;
  static constexpr int group = 4;
  static constexpr bool halves = true;  // there are products of half a vector of columns that cost half
  using H = __m256i;

  static V repeat(const A* group_of_a) {
    int32_t four;
    memcpy(&four, group_of_a, 4);
    return _mm512_set1_epi32(four);
  }
  static V load_b(const int8_t* p) { return _mm512_loadu_si512(p); }
  static V dot(V a, V b, V sum) { return _mm512_dpbusd_epi32(sum, a, b); }
  static H half(V x) { return _mm512_castsi512_si256(x); }
  static V whole(H x) { return _mm512_zextsi256_si512(x); }
  static H load_half(const int8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static H dot_half(V a, H b, H sum) { return _mm256_dpbusd_epi32(sum, half(a), b); }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
