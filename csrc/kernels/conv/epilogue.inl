// What follows the sum: residual, activation, clean padding lanes.
#pragma once

#include "kernels/conv/accumulate.inl"
#include "kernels/conv/conv_kernels.h"

namespace engine {
namespace ENGINE_TIER {

// The activations that are a clamp (none, relu, clip) are applied in registers; `curve` says that the activation is
// another one and waits until the sums are stored.
struct Finish {
  Block low, high;
  bool curve;
};

static Finish make_finish(const ConvEpilogue& e) {
  const float infinity = INFINITY;
  float low = e.activation == Activation::relu ? 0.0f : e.activation == Activation::clip ? e.alpha : -infinity;
  float high = e.activation == Activation::clip ? e.beta : infinity;
  bool clamp = e.activation == Activation::none || e.activation == Activation::relu || e.activation == Activation::clip;
  return {broadcast(low), broadcast(high), !clamp};
}

ENGINE_INLINE Block clamp(const Finish& f, Block x) { return at_most(at_least(x, f.low), f.high); }

ENGINE_INLINE Block hard_gate(Block x, float scale, float shift) {
  Block gate = add(mul(x, broadcast(scale)), broadcast(shift));
  return at_most(at_least(gate, zero_block()), broadcast(1.0f));
}

template <class F>
ENGINE_INLINE void map_blocks(float* y, size_t n, F f) {
  size_t i = 0;
  for (; i + Block::size <= n; i += Block::size) store(y + i, f(load(y + i)));
  if (i < n) store_first(y + i, f(load_first(y + i, int(n - i))), int(n - i));
}

// y[i] = act(y[i]) for the activations that are no clamp.
static void apply_curve(const ConvEpilogue& e, float* y, size_t n) {
  switch (e.activation) {
    case Activation::leaky_relu: {
      Block slope = broadcast(e.alpha);
      return map_blocks(y, n, [&](Block x) { return where_negative(x, mul(x, slope), x); });
    }
    case Activation::hard_sigmoid:
      return map_blocks(y, n, [&](Block x) { return hard_gate(x, e.alpha, e.beta); });
    case Activation::hard_swish:
      return map_blocks(y, n, [&](Block x) { return mul(x, hard_gate(x, 1.0f / 6.0f, 0.5f)); });
    default:
      for (size_t i = 0; i < n; ++i) y[i] = activate(e.activation, y[i], e.alpha, e.beta);
  }
}

// The same on `pixels` neighbouring pixels of a blocked tensor whose lanes from `real` on are padding.
static void apply_curve_blocked(const ConvEpilogue& e, float* y, size_t pixels, int real) {
  apply_curve(e, y, pixels * Block::size);
  if (real == Block::size) return;
  for (size_t p = 0; p < pixels; ++p) store(y + p * Block::size, first_lanes(load(y + p * Block::size), real));
}

}  // namespace ENGINE_TIER
}  // namespace engine
