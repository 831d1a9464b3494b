// Sums of quantised numbers. For tier files, after the byte types.
#pragma once

#include "kernels/quant/quant.h"

namespace engine::ENGINE_TIER {

template <class Byte>
struct SumTerms {
  F32 a, b, shift, least, most;
  I32 zero;

  explicit ENGINE_INLINE SumTerms(QuantSum s)
      : a(broadcast(s.a_factor)), b(broadcast(s.b_factor)), shift(broadcast(s.shift)), least(broadcast(Byte::low - s.zero)),
        most(broadcast(Byte::high - s.zero)), zero(to_int(broadcast(s.zero))) {}

  ENGINE_INLINE void add(const typename Byte::Type* x, const typename Byte::Type* y, typename Byte::Type* to) const {
    const F32 sum = fma(to_float(Byte::load(x)), a, fma(to_float(Byte::load(y)), b, shift));
    Byte::store(to, to_int(min(most, max(least, sum))) + zero);
  }
};

template <class Byte>
void add_quantised(const typename Byte::Type* a, const typename Byte::Type* b, QuantSum s, typename Byte::Type* y, size_t n) {
  using T = typename Byte::Type;
  const SumTerms<Byte> terms(s);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) terms.add(a + i, b + i, y + i);
  if (i == n) return;
  T left[kWidth] = {}, right[kWidth] = {}, sums[kWidth];
  for (size_t k = 0; i + k < n; ++k) left[k] = a[i + k], right[k] = b[i + k];
  terms.add(left, right, sums);
  for (size_t k = 0; i + k < n; ++k) y[i + k] = sums[k];
}

}  // namespace engine::ENGINE_TIER
