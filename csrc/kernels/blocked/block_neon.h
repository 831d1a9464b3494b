// A channel block in registers; the contract is in block_scalar.h.
#pragma once

#include <arm_neon.h>

#include "kernels/inlining.h"

namespace engine {
namespace neon {

struct Block {
  static constexpr int size = 8;
  static constexpr int registers = 32;
  static constexpr int parts = 2;
  static constexpr bool masked = false;
  float32x4_t lo, hi;
};

ENGINE_INLINE void prefetch(const float* p) { __builtin_prefetch(p); }
ENGINE_INLINE Block load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
ENGINE_INLINE void store(float* p, Block x) {
  vst1q_f32(p, x.lo);
  vst1q_f32(p + 4, x.hi);
}
ENGINE_INLINE Block load_first(const float* p, int n) {
  float lanes[8] = {0};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
ENGINE_INLINE void store_first(float* p, Block x, int n) {
  float lanes[8];
  store(lanes, x);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}
ENGINE_INLINE Block broadcast(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
ENGINE_INLINE Block zero_block() { return broadcast(0.0f); }
ENGINE_INLINE Block fma(Block acc, Block a, Block b) {
  return {vfmaq_f32(acc.lo, a.lo, b.lo), vfmaq_f32(acc.hi, a.hi, b.hi)};
}
ENGINE_INLINE Block add(Block a, Block b) { return {vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)}; }
ENGINE_INLINE Block sub(Block a, Block b) { return {vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi)}; }
ENGINE_INLINE Block mul(Block a, Block b) { return {vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)}; }
ENGINE_INLINE Block div(Block a, Block b) { return {vdivq_f32(a.lo, b.lo), vdivq_f32(a.hi, b.hi)}; }
ENGINE_INLINE Block at_least(Block x, Block low) {
  return {vbslq_f32(vcltq_f32(x.lo, low.lo), low.lo, x.lo), vbslq_f32(vcltq_f32(x.hi, low.hi), low.hi, x.hi)};
}
ENGINE_INLINE Block at_most(Block x, Block high) {
  return {vbslq_f32(vcgtq_f32(x.lo, high.lo), high.lo, x.lo), vbslq_f32(vcgtq_f32(x.hi, high.hi), high.hi, x.hi)};
}
ENGINE_INLINE Block where_negative(Block x, Block yes, Block no) {
  return {vbslq_f32(vcltzq_f32(x.lo), yes.lo, no.lo), vbslq_f32(vcltzq_f32(x.hi), yes.hi, no.hi)};
}
ENGINE_INLINE Block larger_or_nan(Block x, Block y) {
  uint32x4_t lo = vorrq_u32(vcgtq_f32(x.lo, y.lo), vmvnq_u32(vceqq_f32(x.lo, x.lo)));
  uint32x4_t hi = vorrq_u32(vcgtq_f32(x.hi, y.hi), vmvnq_u32(vceqq_f32(x.hi, x.hi)));
  return {vbslq_f32(lo, x.lo, y.lo), vbslq_f32(hi, x.hi, y.hi)};
}
ENGINE_INLINE Block first_lanes(Block x, int n) {
  float lanes[8];
  store(lanes, x);
  return load_first(lanes, n);
}

}  // namespace neon
}  // namespace engine
