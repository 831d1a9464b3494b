// The depthwise convolution in the blocked layout. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/epilogue.inl"
#include "kernels/conv/segments.inl"

namespace engine {
namespace ENGINE_TIER {

template <int P, int S>
void depthwise_segments(const ConvDepthwiseJob& job, const Finish& finish, const Segment (&seg)[S]) {
  constexpr int b = Block::size;
  const ConvRows& r = *job.rows;
  Block sum[S * P];
  const Block bias = load(job.bias);
  Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA { sum[i.value] = bias; });
  const ptrdiff_t stride = r.stride[2] * b, column = r.dilation[2] * b;
  const float* weights = job.weights;
  each_kernel_row(r, seg, [&](unsigned live, const int64_t(&at)[S]) ENGINE_INLINE_LAMBDA {
    const float* w = weights;
    weights += r.kernel[2] * b;
    if (live == 0) return;
    const float* x[S];
    for (int s = 0; s < S; ++s) x[s] = job.input + at[s] * b;
    for (int64_t kw = 0; kw < r.kernel[2]; ++kw, w += b) {
      uint32_t mask = live_rows<S, P>(seg, live, kw);
      const Block weight = load(w);
      if (mask == all_rows(S * P)) {
        Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
          constexpr int row = decltype(i)::value;
          sum[row] = fma(sum[row], load(x[row / P] + (row % P) * stride), weight);
        });
      } else {
        Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
          constexpr int row = decltype(i)::value;
          if (mask >> row & 1u) sum[row] = fma(sum[row], load(x[row / P] + (row % P) * stride), weight);
        });
      }
      for (int s = 0; s < S; ++s) x[s] += column;
    }
  });
  const bool padded = job.last_lanes != b;
  Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(i)::value, p = row % P;
    const Segment& s = seg[row / P];
    if (p >= s.count) return;
    ptrdiff_t at = (s.out_at + p) * b;
    Block y = sum[row];
    if (job.residual) y = add(y, load(job.residual + at));
    y = clamp(finish, y);
    if (padded) y = first_lanes(y, job.last_lanes);
    store(job.output + at, y);
  });
  if (!job.finish.curve) return;
  for (int s = 0; s < S; ++s)
    apply_curve_blocked(job.finish, job.output + seg[s].out_at * b, seg[s].count, job.last_lanes);
}

template <int P = kDirectWidth>
struct DepthwiseByWidth {
  static void run(const ConvDepthwiseJob& job) {
    if (job.rows->width != P) return DepthwiseByWidth<P - 1>::run(job);
    const Finish finish = make_finish(job.finish);
    each_pair(*job.rows, job.begin, job.end, [&](const auto& seg) { depthwise_segments<P>(job, finish, seg); });
  }
};
template <>
struct DepthwiseByWidth<0> {
  static void run(const ConvDepthwiseJob&) {}
};

static void depthwise(const ConvDepthwiseJob& job) { DepthwiseByWidth<>::run(job); }

}  // namespace ENGINE_TIER
}  // namespace engine
