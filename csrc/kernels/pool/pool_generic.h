// Pooling as its definition says, for any element type: the oracle of the fast paths, and what operators use for max
// pooling with indices, Lp pooling and types other than float32. Plain tensors; one output element at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/pool/pool_shape.h"

namespace engine {

// For callers that never stop.
struct NeverStops {
  bool operator()() const { return true; }
};

// Calls f(pixel index in the input plane, d, h, w) for each input position under output pixel `at`, in row-major order;
// returns the number of positions of the window inside the input and its pads. go() is asked after every kPoolPause or so
// positions, and the rest is left out when it is false.
inline constexpr int64_t kPoolPause = 8192;

template <class F, class Go = NeverStops>
int64_t each_in_window(const PoolShape& s, int64_t at, F f, Go go = {}) {
  int64_t left = kPoolPause;
  const PoolWindow d = pool_window(s, 0, at / (s.out[1] * s.out[2]));
  const PoolWindow h = pool_window(s, 1, at / s.out[2] % s.out[1]);
  const PoolWindow w = pool_window(s, 2, at % s.out[2]);
  for (int64_t i = 0; i < d.count; ++i)
    for (int64_t j = 0; j < h.count; ++j)
      for (int64_t k = 0; k < w.count;) {
        const int64_t stop = std::min(w.count, k + left), y = d.begin + i * s.dilation[0], x = h.begin + j * s.dilation[1];
        left -= stop - k;
        for (; k < stop; ++k) {
          const int64_t z = w.begin + k * s.dilation[2];
          f((y * s.in[1] + x) * s.in[2] + z, y, x, z);
        }
        if (left > 0) continue;
        left = kPoolPause;
        if (!go()) return 0;
      }
  return d.padded * h.padded * w.padded;
}

// Output pixels [begin, end) of one plane. A is the type that elements are compared in (T itself, or float for the
// 16-bit floats). The first NaN of a window wins, else the first of its largest elements; an empty window gives the
// lowest value of A (-infinity where there is one) and the index `plane_index`.
// indices may be null; else indices[o] is plane_index plus the element's index in the plane, counted row-major, or
// column-major (the last dimension slowest) when `column_major`.
template <class T, class A, class Go = NeverStops>
void max_pool_generic(const PoolShape& s, const T* input, int64_t begin, int64_t end, T* output, int64_t* indices,
                      int64_t plane_index, bool column_major, Go go = {}) {
  using Limits = std::numeric_limits<A>;
  for (int64_t o = begin; o < end; ++o) {
    A best = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    bool any = false;
    int64_t best_at = 0;
    each_in_window(s, o, [&](int64_t at, int64_t d, int64_t h, int64_t w) {
      const A x = static_cast<A>(input[at]);
      if (any && !(x > best) && !(x != x && best == best)) return;
      any = true;
      best = x;
      best_at = column_major ? (w * s.in[1] + h) * s.in[0] + d : at;
    }, go);
    output[o] = static_cast<T>(best);
    if (indices) indices[o] = plane_index + best_at;
  }
}

// The mean, summed in A; 0 where the divisor is 0.
template <class T, class A, class Go = NeverStops>
void average_pool_generic(const PoolShape& s, const T* input, int64_t begin, int64_t end, bool count_pads, T* output, Go go = {}) {
  for (int64_t o = begin; o < end; ++o) {
    A sum = 0;
    int64_t count = 0;
    const int64_t padded = each_in_window(s, o, [&](int64_t at, int64_t, int64_t, int64_t) {
      sum += static_cast<A>(input[at]);
      ++count;
    }, go);
    const int64_t divisor = count_pads ? padded : count;
    output[o] = static_cast<T>(divisor ? sum / static_cast<A>(divisor) : A(0));
  }
}

// (sum |x|^p)^(1/p), summed in A. REQUIRES: p >= 1.
template <class T, class A, class Go = NeverStops>
void lp_pool_generic(const PoolShape& s, const T* input, int64_t begin, int64_t end, int64_t p, T* output, Go go = {}) {
  for (int64_t o = begin; o < end; ++o) {
    A sum = 0;
    each_in_window(s, o, [&](int64_t at, int64_t, int64_t, int64_t) {
      const A x = std::abs(static_cast<A>(input[at]));
      sum += p == 1 ? x : p == 2 ? x * x : std::pow(x, static_cast<A>(p));
    }, go);
    output[o] = static_cast<T>(p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, A(1) / static_cast<A>(p)));
  }
}

}  // namespace engine
