// The last step of the Winograd convolution: sums to output pixels. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/epilogue.inl"
#include "kernels/conv/winograd_transform.inl"

namespace engine {
namespace ENGINE_TIER {

template <int A0, int A1, int M0, int M1>
ENGINE_INLINE void winograd_sums(const float* from, ptrdiff_t point_step, Block (&y)[M0][M1]) {
  Block rows[A0][M1];
  for (int i = 0; i < A0; ++i) {
    Block x[A1];
    Repeat<A1>::run([&](auto j) ENGINE_INLINE_LAMBDA { x[j.value] = load(from + (i * A1 + j.value) * point_step); });
    winograd_output_axis<A1, M1>(x, rows[i]);
  }
  if constexpr (A0 == 1) {
    for (int j = 0; j < M1; ++j) y[0][j] = rows[0][j];
  } else {
    for (int j = 0; j < M1; ++j) {
      Block column[A0], sums[M0];
      Repeat<A0>::run([&](auto i) ENGINE_INLINE_LAMBDA { column[i.value] = rows[i.value][j]; });
      winograd_output_axis<A0, M0>(column, sums);
      Repeat<M0>::run([&](auto i) ENGINE_INLINE_LAMBDA { y[i.value][j] = sums[i.value]; });
    }
  }
}

// Returns false when a sum is infinite or NaN.
template <int A0, int A1, int M0, int M1>
bool winograd_output_tiles(const ConvWinogradOutputJob& job) {
  constexpr int b = Block::size;
  const ConvWinograd& f = *job.form;
  const Finish finish = make_finish(*job.finish);
  const Block bias = load(job.bias), zero = zero_block();
  const bool padded = job.last_lanes != b;
  Block wrong = zero;
  for (int64_t t = job.begin; t < job.end; ++t) {
    const int64_t start0 = winograd_start(f, 0, t / f.tiles[1]), start1 = winograd_start(f, 1, t % f.tiles[1]);
    Block sums[M0][M1];
    winograd_sums<A0, A1, M0, M1>(job.sums + (t - job.first) * b, job.point_step, sums);
    for (int i = 0; i < M0; ++i) {
      const int64_t row = start0 + i * f.dilation[0];
      if (row >= f.out[0]) break;
      for (int j = 0; j < M1; ++j) {
        const int64_t column = start1 + j * f.dilation[1];
        if (column >= f.out[1]) break;
        const ptrdiff_t at = (row * f.out_stride[0] + column * f.out_stride[1]) * b;
        wrong = fma(wrong, sums[i][j], zero);
        Block y = add(sums[i][j], bias);
        if (job.residual) y = add(y, load(job.residual + at));
        y = clamp(finish, y);
        if (padded) y = first_lanes(y, job.last_lanes);
        store(job.output + at, y);
        if (job.finish->curve) apply_curve_blocked(*job.finish, job.output + at, 1, job.last_lanes);
      }
    }
  }
  float lanes[b];
  store(lanes, wrong);
  bool finite = true;
  for (int i = 0; i < b; ++i) finite = finite && lanes[i] == 0.0f;
  return finite;
}

static bool winograd_output(const ConvWinogradOutputJob& job) {
  const int* a = job.form->points;
  const int m = job.form->outputs[1];
  if (a[0] == 1 && a[1] == 4) return winograd_output_tiles<1, 4, 1, 2>(job);
  if (a[0] == 1 && a[1] == 6 && m == 4) return winograd_output_tiles<1, 6, 1, 4>(job);
  if (a[0] == 1 && a[1] == 6) return winograd_output_tiles<1, 6, 1, 2>(job);
  if (a[0] == 1 && m == 6) return winograd_output_tiles<1, 8, 1, 6>(job);
  if (a[0] == 1 && m == 4) return winograd_output_tiles<1, 8, 1, 4>(job);
  if (a[0] == 1) return winograd_output_tiles<1, 8, 1, 2>(job);
  if (a[0] == 4) return winograd_output_tiles<4, 4, 2, 2>(job);
  if (m == 4) return winograd_output_tiles<6, 6, 4, 4>(job);
  return winograd_output_tiles<6, 6, 2, 2>(job);
}

}  // namespace ENGINE_TIER
}  // namespace engine
