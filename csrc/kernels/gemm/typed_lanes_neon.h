// Vectors of 64-bit and 32-bit elements.
#pragma once

#include "kernels/gemm/typed_lanes_plain.h"

namespace engine::ENGINE_TIER {
namespace {

struct DoubleLanes {
  using T = double;
  using V = float64x2_t;
  static constexpr int width = 2, registers = 32;
  static V zero() { return vdupq_n_f64(0.0); }
  static V set(T x) { return vdupq_n_f64(x); }
  static V load(const T* p) { return vld1q_f64(p); }
  static void store(T* p, V x) { vst1q_f64(p, x); }
  static V fma(V a, V b, V c) { return vfmaq_f64(c, a, b); }
};

struct Word32Lanes {
  using T = uint32_t;
  using V = uint32x4_t;
  static constexpr int width = 4, registers = 32;
  static V zero() { return vdupq_n_u32(0); }
  static V set(T x) { return vdupq_n_u32(x); }
  static V load(const T* p) { return vld1q_u32(p); }
  static void store(T* p, V x) { vst1q_u32(p, x); }
  static V fma(V a, V b, V c) { return vmlaq_u32(c, a, b); }
};

using Word64Lanes = PlainLanes<uint64_t, 2, 32>;

}  // namespace
}  // namespace engine::ENGINE_TIER
