// kWidth int32 by plain arithmetic.
#pragma once

#include <string.h>

#include "kernels/gemm/registers.inl"

namespace engine::ENGINE_TIER {
namespace {

struct Words {
  struct V {
    uint32_t x[kLanes];
  };

  template <class F>
  static V each(F f) {
    V r;
    for (int i = 0; i < kLanes; ++i) r.x[i] = f(i);
    return r;
  }
  static V zero() { return V{}; }
  static V set(uint32_t x) {
    return each([=](int) { return x; });
  }
  static V load(const uint32_t* p) {
    return each([=](int i) { return p[i]; });
  }
  static void store(void* p, const V& v) { memcpy(p, v.x, sizeof v.x); }
  static V add(const V& a, const V& b) {
    return each([&](int i) { return a.x[i] + b.x[i]; });
  }
  static V sub(const V& a, const V& b) {
    return each([&](int i) { return a.x[i] - b.x[i]; });
  }
  static V mul(const V& a, const V& b) {
    return each([&](int i) { return a.x[i] * b.x[i]; });
  }
  static F32 to_float(const V& v) {
    float f[kLanes];
    for (int i = 0; i < kLanes; ++i) f[i] = float(int32_t(v.x[i]));
    return engine::ENGINE_TIER::load(f);
  }
  // Halves to even. REQUIRES: within 2^22 of zero.
  static V round(F32 v) {
    float f[kLanes];
    engine::ENGINE_TIER::store(f, v);
    return each([&](int i) { return uint32_t(int32_t((f[i] + 12582912.0f) - 12582912.0f)); });
  }
  // The low bytes, one a lane.
  static void store_bytes(void* p, const V& v) {
    for (int i = 0; i < kLanes; ++i) static_cast<uint8_t*>(p)[i] = uint8_t(v.x[i]);
  }
  // The first `count` of them.
  static void store_bytes(void* p, const V& v, int count) {
    for (int i = 0; i < kLanes; ++i)
      if (i < count) static_cast<uint8_t*>(p)[i] = uint8_t(v.x[i]);
  }
  static constexpr bool stores_panels = false;
};

}  // namespace
}  // namespace engine::ENGINE_TIER
