// A few elements of any arithmetic type by plain arithmetic.
#pragma once

#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {
namespace {

template <class Element, int W, int Registers>
struct PlainLanes {
  using T = Element;
  struct V {
    T x[W];
  };
  static constexpr int width = W, registers = Registers;

  static V zero() { return V{}; }
  static V set(T x) {
    V v;
    for (int i = 0; i < W; ++i) v.x[i] = x;
    return v;
  }
  static V load(const T* p) {
    V v;
    for (int i = 0; i < W; ++i) v.x[i] = p[i];
    return v;
  }
  static void store(T* p, const V& v) {
    for (int i = 0; i < W; ++i) p[i] = v.x[i];
  }
  static V fma(const V& a, const V& b, const V& c) {
    V v;
    for (int i = 0; i < W; ++i) v.x[i] = T(a.x[i] * b.x[i] + c.x[i]);
    return v;
  }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
