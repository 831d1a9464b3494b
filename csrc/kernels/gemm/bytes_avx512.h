// Products of int16 pairs, B widened as it is loaded.
#pragma once

#include "kernels/gemm/words_avx512.h"

namespace engine::ENGINE_TIER {
namespace {

struct Bytes : Words {
  using A = int16_t;  // how A is held
  static constexpr int64_t tile_macs = 2500000;
  static constexpr int group = 2;
  static constexpr bool halves = false;  // there are products of half a vector of columns that cost half

  static V repeat(const A* group_of_a) {
    int32_t pair;
    memcpy(&pair, group_of_a, 4);
    return _mm512_set1_epi32(pair);
  }
  static V load_b(const int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static V dot(V a, V b, V sum) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
