// Products of bytes by plain arithmetic.
#pragma once

#include "kernels/gemm/words_plain.h"

namespace engine::ENGINE_TIER {
namespace {

struct Bytes : Words {
  using A = int16_t;  // how A is held
  static constexpr int64_t tile_macs = 250000;
  static constexpr int group = 2;
  static constexpr bool halves = false;  // there are products of half a vector of columns that cost half

  struct Pairs {
    int32_t x[2 * kLanes];
  };
  static Pairs repeat(const A* pair) {
    Pairs v;
    for (int i = 0; i < 2 * kLanes; ++i) v.x[i] = pair[i % 2];
    return v;
  }
  static Pairs load_b(const int8_t* p) {
    Pairs v;
    for (int i = 0; i < 2 * kLanes; ++i) v.x[i] = p[i];
    return v;
  }
  static V dot(const Pairs& a, const Pairs& b, const V& sum) {
    return each([&](int i) { return sum.x[i] + uint32_t(a.x[2 * i] * b.x[2 * i] + a.x[2 * i + 1] * b.x[2 * i + 1]); });
  }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
