// The Winograd convolution in the blocked layout: transform the input, multiply point by point, transform the sums.
// REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/epilogue.inl"
#include "kernels/conv/winograd_transform.inl"

namespace engine {
namespace ENGINE_TIER {

template <int A0, int A1>
void winograd_read(const ConvWinograd& f, const float* block, int64_t start0, int64_t start1, Block (&x)[A0][A1]) {
  constexpr int b = Block::size;
  const int64_t at0 = start0 - f.pad_begin[0], at1 = start1 - f.pad_begin[1];
  const bool inside = at0 >= 0 && at0 + (A0 - 1) * f.dilation[0] < f.in[0] && at1 >= 0 &&
                      at1 + (A1 - 1) * f.dilation[1] < f.in[1];
  const ptrdiff_t step0 = f.dilation[0] * f.in_stride[0] * b, step1 = f.dilation[1] * f.in_stride[1] * b;
  const float* from = block + (at0 * f.in_stride[0] + at1 * f.in_stride[1]) * b;
  if (inside) {
    for (int i = 0; i < A0; ++i)
      Repeat<A1>::run([&](auto j) ENGINE_INLINE_LAMBDA { x[i][j.value] = load(from + i * step0 + j.value * step1); });
    return;
  }
  for (int i = 0; i < A0; ++i) {
    const int64_t row = at0 + i * f.dilation[0];
    for (int j = 0; j < A1; ++j) {
      const int64_t column = at1 + j * f.dilation[1];
      const bool live = row >= 0 && row < f.in[0] && column >= 0 && column < f.in[1];
      x[i][j] = live ? load(from + i * step0 + j * step1) : zero_block();
    }
  }
}

template <int A0, int A1>
void winograd_input_tiles(const ConvWinogradInputJob& job) {
  constexpr int b = Block::size;
  const ConvWinograd& f = *job.form;
  for (int64_t t = job.begin; t < job.end; ++t) {
    const int64_t start0 = winograd_start(f, 0, t / f.tiles[1]), start1 = winograd_start(f, 1, t % f.tiles[1]);
    for (int64_t c = job.block_begin; c < job.block_end; ++c) {
      float* to = job.transformed + c * job.transformed_step + (t - job.first) * b;
      Block x[A0][A1];
      winograd_read<A0, A1>(f, job.input + c * job.input_step, start0, start1, x);
      for (int i = 0; i < A0; ++i) {
        Block y[A1];
        winograd_input_axis<A1>(x[i], y);
        Repeat<A1>::run([&](auto j) ENGINE_INLINE_LAMBDA { x[i][j.value] = y[j.value]; });
      }
      for (int j = 0; j < A1; ++j) {
        Block column[A0], y[A0];
        Repeat<A0>::run([&](auto i) ENGINE_INLINE_LAMBDA { column[i.value] = x[i.value][j]; });
        winograd_input_axis<A0>(column, y);
        Repeat<A0>::run([&](auto i) ENGINE_INLINE_LAMBDA { store(to + (i.value * A1 + j) * job.point_step, y[i.value]); });
      }
    }
  }
}

static void winograd_input(const ConvWinogradInputJob& job) {
  const int a0 = job.form->points[0], a1 = job.form->points[1];
  if (a0 == 1 && a1 == 4) winograd_input_tiles<1, 4>(job);
  if (a0 == 1 && a1 == 6) winograd_input_tiles<1, 6>(job);
  if (a0 == 1 && a1 == 8) winograd_input_tiles<1, 8>(job);
  if (a0 == 4 && a1 == 4) winograd_input_tiles<4, 4>(job);
  if (a0 == 6 && a1 == 6) winograd_input_tiles<6, 6>(job);
}

// Two groups of P rows; where fewer than 2 * P are left, the groups overlap and write the same sums.
template <int P, int Q>
void winograd_product_rows(const ConvWinogradProductJob& job) {
  constexpr int b = Block::size;
  FetchAhead next = fetch_ahead(job.next, job.next_floats * 4, (job.rows + 2 * P - 1) / (2 * P) * ((job.channels + b - 1) / b));
  for (int64_t row = 0; row < job.rows; row += 2 * P) {
    const int64_t last = job.rows - P;
    const int64_t at[2] = {row < last ? row : last, row + P < last ? row + P : last};
    Tile<2, P, Q> tile;
    Repeat<2 * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
      Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA { tile.sum[r.value][q.value] = zero_block(); });
    });
    const float* from = job.transformed;
    const float* weights = job.weights;
    for (int64_t c = 0; c < job.channels; c += b) {
      const int64_t n = job.channels - c < b ? job.channels - c : b;
      next.fetch();
      accumulate(tile, Sources<2>{{from + at[0] * b, from + at[1] * b}, b}, 1, weights, n);
      from += job.transformed_step;
      weights += n * Q * b;
    }
    Repeat<2 * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
      constexpr int i = decltype(r)::value;
      Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
        store(job.sums + q.value * job.sums_step + (at[i / P] + i % P) * b, tile.sum[i][q.value]);
      });
    });
  }
}

template <int Q, int P = kDirectWidth>
struct WinogradByRows {
  static void run(const ConvWinogradProductJob& job, int p) {
    if (p == P)
      winograd_product_rows<P, Q>(job);
    else
      WinogradByRows<Q, P - 1>::run(job, p);
  }
};
template <int Q>
struct WinogradByRows<Q, 0> {
  static void run(const ConvWinogradProductJob&, int) {}
};

static void winograd_product(const ConvWinogradProductJob& job) {
  const int64_t most = 2 * kDirectWidth, groups = (job.rows + most - 1) / most;
  const int p = int(((job.rows + groups - 1) / groups + 1) / 2);
  if (job.blocks == kDirectBlocks)
    WinogradByRows<kDirectBlocks>::run(job, p);
  else
    WinogradByRows<1>::run(job, p);
}

}  // namespace ENGINE_TIER
}  // namespace engine
