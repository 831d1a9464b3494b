// The one-dimensional transforms on channel blocks. REQUIRES: as accumulate.inl.
//
// With the points p[j] the input's rows are the coefficients of the products over k != j of (x - p[k]), that of infinity
// the product over all; the output's are the powers of the points. Points in pairs +-p share the even and the odd parts.
#pragma once

#include "kernels/conv/accumulate.inl"
#include "kernels/conv/winograd_jobs.h"

namespace engine {
namespace ENGINE_TIER {

// The coefficient of y^power in the product over the pairs but `skip` (-1: none) of (y - p^2).
static constexpr float winograd_coefficient(int pairs, int skip, int power) {
  double c[4] = {1, 0, 0, 0};
  for (int k = 0; k < pairs; ++k) {
    if (k == skip) continue;
    const double square = double(kWinogradPairs[pairs][k]) * double(kWinogradPairs[pairs][k]);
    for (int i = 3; i > 0; --i) c[i] = c[i - 1] - square * c[i];
    c[0] *= -square;
  }
  return float(c[power]);
}

static constexpr float winograd_power(float p, int n) {
  float y = 1;
  for (; n > 0; --n) y *= p;
  return y;
}

// Sum over k of coefficient k * x[first + 2 * k]; the leading coefficient is 1.
template <int Pairs, int Skip, int A>
ENGINE_INLINE Block winograd_sum(const Block (&x)[A], int first) {
  constexpr int degree = Skip < 0 ? Pairs : Pairs - 1;
  Block y = x[first + 2 * degree];
  Repeat<degree>::run([&](auto k) ENGINE_INLINE_LAMBDA {
    constexpr float c = winograd_coefficient(Pairs, Skip, decltype(k)::value);
    y = fma(y, x[first + 2 * k.value], broadcast(c));
  });
  return y;
}

template <int A>
ENGINE_INLINE void winograd_input_axis(const Block (&x)[A], Block (&y)[A]) {
  constexpr int pairs = (A - 2) / 2;
  y[0] = winograd_sum<pairs, -1>(x, 0);
  y[A - 1] = winograd_sum<pairs, -1>(x, 1);
  Repeat<pairs>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    constexpr int pair = decltype(i)::value;
    constexpr float p = kWinogradPairs[pairs][pair];
    const Block even = winograd_sum<pairs, pair>(x, 2), odd = winograd_sum<pairs, pair>(x, 1);
    y[1 + 2 * pair] = fma(even, odd, broadcast(p));
    y[2 + 2 * pair] = fma(even, odd, broadcast(-p));
  });
}

template <>
ENGINE_INLINE void winograd_input_axis<1>(const Block (&x)[1], Block (&y)[1]) {
  y[0] = x[0];
}

template <int A, int M>
ENGINE_INLINE void winograd_output_axis(const Block (&x)[A], Block (&y)[M]) {
  constexpr int pairs = (A - 2) / 2;
  Block even[pairs], odd[pairs];
  Repeat<pairs>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    even[i.value] = add(x[1 + 2 * i.value], x[2 + 2 * i.value]);
    odd[i.value] = sub(x[1 + 2 * i.value], x[2 + 2 * i.value]);
  });
  Repeat<M>::run([&](auto m) ENGINE_INLINE_LAMBDA {
    constexpr int power = decltype(m)::value;
    Block sum = power == 0 ? x[0] : power == M - 1 ? x[A - 1] : zero_block();
    Repeat<pairs>::run([&](auto i) ENGINE_INLINE_LAMBDA {
      constexpr float p = winograd_power(kWinogradPairs[pairs][decltype(i)::value], power);
      const Block& part = power % 2 == 0 ? even[i.value] : odd[i.value];
      if (decltype(i)::value == 0 && power != 0 && power != M - 1)
        sum = p == 1.0f ? part : mul(part, broadcast(p));
      else
        sum = p == 1.0f ? add(sum, part) : fma(sum, part, broadcast(p));
    });
    y[m.value] = sum;
  });
}

}  // namespace ENGINE_TIER
}  // namespace engine
