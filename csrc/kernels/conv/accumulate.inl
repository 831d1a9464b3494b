// The register tile that every convolution kernel sums in: S segments of P rows, each of Q blocks.
// A "row" is an output pixel in the direct kernels and an output channel in the panel kernel.
// REQUIRES: ENGINE_TIER and the tier's block header.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch_ahead.h"
#include "kernels/inlining.h"
#include "kernels/opaque.h"

namespace engine {
namespace ENGINE_TIER {

// Pixels per segment and blocks per job that keep the sums, one broadcast and the weights in registers.
constexpr int kDirectBlocks = Block::registers / Block::parts >= 16 ? 2 : 1;
constexpr int kDirectWidth = Block::registers / Block::parts == 32 ? 7 : 3;

template <int I>
struct Index {
  static constexpr int value = I;
};

// f(Index<0>{}), f(Index<1>{}), ... : a loop whose counter is a constant at every step.
template <int N>
struct Repeat {
  template <class F>
  static ENGINE_INLINE void run(F f) {
    Repeat<N - 1>::run(f);
    f(Index<N - 1>{});
  }
};
template <>
struct Repeat<0> {
  template <class F>
  static ENGINE_INLINE void run(F) {}
};

template <int S, int P, int Q>
struct Tile {
  Block sum[S * P][Q];
};

// Where the S segments read: row p of segment s starts at start[s] + p * stride (floats).
template <int S>
struct Sources {
  const float* start[S];
  ptrdiff_t stride;
};

constexpr uint32_t all_rows(int n) { return (1u << n) - 1u; }

// Asks for the cache lines at `ahead` floats beyond the rows' first elements; they may be outside any array.
template <int P, int S>
ENGINE_INLINE void prefetch_rows(const Sources<S>& from, ptrdiff_t ahead) {
  Repeat<S * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(r)::value;
    prefetch(from.start[row / P] + (row % P) * from.stride + ahead);
  });
}

// sum[row][q] += source[row][i * step] * weights[i][q] for i < n.
template <int S, int P, int Q>
ENGINE_INLINE void accumulate(Tile<S, P, Q>& tile, Sources<S> from, ptrdiff_t step, const float* weights, ptrdiff_t n) {
  constexpr int b = Block::size;
  for (ptrdiff_t i = 0; i < n; ++i) {
    Block w[Q];
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA { w[q.value] = load(weights + q.value * b); });
    Repeat<S * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
      constexpr int row = decltype(r)::value;
      Block x = broadcast(from.start[row / P][(row % P) * from.stride]);
      Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
        tile.sum[row][q.value] = fma(tile.sum[row][q.value], x, w[q.value]);
      });
    });
    weights += Q * b;
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += step; });
  }
}

// The same for `columns` sources, `column` floats apart, whose weights follow each other. Asks for what lies `ahead` of each; 0: not.
// Fetches once for each of them, or once where they are taken together.
template <int S, int P, int Q>
ENGINE_INLINE void accumulate_columns(Tile<S, P, Q>& tile, Sources<S> from, ptrdiff_t column, ptrdiff_t columns, ptrdiff_t step,
                                      const float* weights, ptrdiff_t n, ptrdiff_t ahead, FetchAhead& next) {
  if (n == 1 && ahead == 0) {
    step = column;
    n = columns;
    columns = 1;
  }
  for (ptrdiff_t i = 0; i < columns; ++i) {
    if (ahead != 0) prefetch_rows<P>(from, ahead);
    next.fetch();
    accumulate(tile, from, step, weights, n);
    weights += n * Q * Block::size;
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += column; });
  }
}

// The same for the rows in `mask` only; nothing is read for the others.
template <int S, int P, int Q>
ENGINE_INLINE void accumulate_some(Tile<S, P, Q>& tile, Sources<S> from, ptrdiff_t step, const float* weights,
                                   ptrdiff_t n, uint32_t mask) {
  constexpr int b = Block::size;
  for (ptrdiff_t i = 0; i < n; ++i) {
    mask = opaque(mask);  // or the loop is cloned for both values of every bit
    Block w[Q];
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA { w[q.value] = load(weights + q.value * b); });
    Repeat<S * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
      constexpr int row = decltype(r)::value;
      if (mask >> row & 1u) {
        Block x = broadcast(from.start[row / P][(row % P) * from.stride]);
        Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
          tile.sum[row][q.value] = fma(tile.sum[row][q.value], x, w[q.value]);
        });
      }
    });
    weights += Q * b;
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += step; });
  }
}

}  // namespace ENGINE_TIER
}  // namespace engine
