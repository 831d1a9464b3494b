// Sums of quantised numbers. For tier files, after the byte types.
#pragma once

#include "kernels/quant/quant.h"

namespace engine::ENGINE_TIER {

template <class Byte>
ENGINE_INLINE void add_lanes(const typename Byte::Type* a, const typename Byte::Type* b, QuantSum s, typename Byte::Type* y) {
  F32 x = to_float(Byte::load(a)) * broadcast(s.a_factor) + (to_float(Byte::load(b)) * broadcast(s.b_factor) + broadcast(s.shift));
  x = round_even(x) + broadcast(s.zero);
  Byte::store(y, to_int(min(broadcast(Byte::high), max(broadcast(Byte::low), x))));
}

template <class Byte>
void add_quantised(const typename Byte::Type* a, const typename Byte::Type* b, QuantSum s, typename Byte::Type* y, size_t n) {
  using T = typename Byte::Type;
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) add_lanes<Byte>(a + i, b + i, s, y + i);
  if (i == n) return;
  T left[kWidth] = {}, right[kWidth] = {}, sums[kWidth];
  for (size_t k = 0; i + k < n; ++k) left[k] = a[i + k], right[k] = b[i + k];
  add_lanes<Byte>(left, right, s, sums);
  for (size_t k = 0; i + k < n; ++k) y[i + k] = sums[k];
}

}  // namespace engine::ENGINE_TIER
