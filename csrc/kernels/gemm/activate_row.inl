// Activations of finished rows.
#pragma once

#include "kernels/activation.h"
#include "kernels/simd/math.inl"

namespace engine::ENGINE_TIER {
namespace {

template <class F>
void map_row(float* row, int n, F f) {
  int j = 0;
  for (; j + int(kWidth) <= n; j += int(kWidth)) store(row + j, f(load(row + j)));
  if (j < n) store(row + j, f(load(row + j, size_t(n - j))), size_t(n - j));
}

inline F32 unit_ramp(F32 x, F32 a, F32 b) { return min(broadcast(1.0f), max(broadcast(0.0f), x * a + b)); }

// row[0 .. n) = f(row[0 .. n)). Equal values give equal bits wherever they stand in the row.
ENGINE_NOINLINE void activate_row(float* row, int n, Activation activation, float alpha, float beta) {
  const F32 a = broadcast(alpha), b = broadcast(beta), zero = broadcast(0.0f);
  switch (activation) {
    case Activation::none:
      return;
    case Activation::relu:
      return map_row(row, n, [=](F32 x) { return max(zero, x); });
    case Activation::leaky_relu:
      return map_row(row, n, [=](F32 x) { return select(lt(x, zero), x * a, x); });
    case Activation::sigmoid:
      return map_row(row, n, [](F32 x) { return sigmoid(x); });
    case Activation::tanh:
      return map_row(row, n, [](F32 x) { return tanh(x); });
    case Activation::clip:
      return map_row(row, n, [=](F32 x) { return min(b, max(a, x)); });
    case Activation::gelu_erf:
      return map_row(row, n, [](F32 x) { return gelu_erf(x); });
    case Activation::gelu_tanh:
      return map_row(row, n, [](F32 x) { return gelu_tanh(x); });
    case Activation::silu:
      return map_row(row, n, [](F32 x) { return silu(x, broadcast(1.0f)); });
    case Activation::hard_sigmoid:
      return map_row(row, n, [=](F32 x) { return unit_ramp(x, a, b); });
    case Activation::hard_swish:
      return map_row(row, n, [](F32 x) { return x * unit_ramp(x, broadcast(1.0f / 6.0f), broadcast(0.5f)); });
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
