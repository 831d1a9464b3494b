// Products of unsigned by signed bytes, four at a time.
#pragma once

#include "kernels/gemm/words_avx512.h"

namespace engine::ENGINE_TIER {
namespace {

struct Bytes : Words {
  using A = uint8_t;  // how A is held
  static constexpr int64_t tile_macs = 8000000;
  static constexpr int group = 4;

  static V repeat(const A* group_of_a) {
    int32_t four;
    memcpy(&four, group_of_a, 4);
    return _mm512_set1_epi32(four);
  }
  static V load_b(const int8_t* p) { return _mm512_loadu_si512(p); }
  static V dot(V a, V b, V sum) { return _mm512_dpbusd_epi32(sum, a, b); }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
