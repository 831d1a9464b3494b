// What follows the sum: residual, activation, clean padding lanes.
#pragma once

#include "kernels/conv/accumulate.inl"
#include "kernels/conv/conv_kernels.h"

namespace engine {
namespace ENGINE_TIER {

struct Finish {
  Block low, high;
};

ENGINE_INLINE Finish make_finish(const ConvFinish& f) { return {broadcast(f.low), broadcast(f.high)}; }

ENGINE_INLINE Block clamp(const Finish& f, Block x) { return at_most(at_least(x, f.low), f.high); }

ENGINE_INLINE void apply_curve(const ConvFinish& f, float* y, size_t n) { f.curve(y, y, n, f.params); }

// The same on `pixels` neighbouring pixels of a blocked tensor whose lanes from `real` on are padding.
static void apply_curve_blocked(const ConvFinish& f, float* y, size_t pixels, int real) {
  apply_curve(f, y, pixels * Block::size);
  if (real == Block::size) return;
  for (size_t p = 0; p < pixels; ++p) store(y + p * Block::size, first_lanes(load(y + p * Block::size), real));
}

}  // namespace ENGINE_TIER
}  // namespace engine
