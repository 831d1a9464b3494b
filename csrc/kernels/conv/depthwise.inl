// The depthwise convolution in the blocked layout. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/epilogue.inl"
#include "kernels/conv/segments.inl"

namespace engine {
namespace ENGINE_TIER {

// Segments whose sums, with one weight, fill the registers.
constexpr int kDepthwiseSegments = Block::registers / Block::parts > 8 ? 4 : 2;

// One kernel row of which every tap is live. Stride (floats between pixels) is a constant where it is not 0.
template <int P, int Stride, int S>
ENGINE_INLINE void depthwise_row(Block (&sum)[S * P], Sources<S> from, ptrdiff_t column, const float* w, int64_t taps) {
  for (; taps > 0; --taps, w += Block::size) {
    const Block weight = load(w);
    Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
      constexpr int row = decltype(i)::value, p = row % P;
      const ptrdiff_t offset = Stride ? p * ptrdiff_t(Stride) : p * from.stride;
      sum[row] = fma(sum[row], load(from.start[row / P] + offset), weight);
    });
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += column; });
  }
}

// The same for any kernel row.
template <int P, int S>
ENGINE_INLINE void depthwise_edge(Block (&sum)[S * P], Sources<S> from, ptrdiff_t column, const float* w, int64_t taps,
                                  const Segment (&seg)[S], unsigned live) {
  for (int64_t kw = 0; kw < taps; ++kw, w += Block::size) {
    const uint32_t mask = opaque(live_rows<S, P>(seg, live, kw));
    const Block weight = load(w);
    Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
      constexpr int row = decltype(i)::value;
      if (mask >> row & 1u)
        sum[row] = fma(sum[row], load(from.start[row / P] + (row % P) * from.stride), weight);
    });
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += column; });
  }
}

template <int P, int S>
void depthwise_segments(const ConvDepthwiseJob& job, const Finish& finish, const Segment (&seg)[S]) {
  constexpr int b = Block::size;
  const ConvRows& r = *job.rows;
  Block sum[S * P];
  const Block bias = load(job.bias);
  Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA { sum[i.value] = bias; });
  const ptrdiff_t stride = r.stride[2] * b, column = r.dilation[2] * b;
  const float* weights = job.weights;
  const bool inside = whole<S, P>(seg);
  each_kernel_row(r, seg, [&](unsigned live, const int64_t(&at)[S]) ENGINE_INLINE_LAMBDA {
    const float* w = weights;
    weights += r.kernel[2] * b;
    if (live == 0) return;
    Sources<S> from;
    for (int s = 0; s < S; ++s) from.start[s] = job.input + at[s] * b;
    from.stride = stride;
    if (!inside || live != all_rows(S))
      depthwise_edge<P>(sum, from, column, w, r.kernel[2], seg, live);
    else if (stride == b)
      depthwise_row<P, b>(sum, from, column, w, r.kernel[2]);
    else if (stride == 2 * b)
      depthwise_row<P, 2 * b>(sum, from, column, w, r.kernel[2]);
    else
      depthwise_row<P, 0>(sum, from, column, w, r.kernel[2]);
  });
  const bool padded = job.last_lanes != b;
  bool plain = !job.residual && !padded;
  for (int s = 0; s < S; ++s) plain = plain && seg[s].count == P;
  if (plain) {
    Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
      constexpr int row = decltype(i)::value;
      store(job.output + (seg[row / P].out_at + row % P) * b, clamp(finish, sum[row]));
    });
  } else {
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
  }
  if (!job.finish.curve) return;
  for (int s = 0; s < S; ++s)
    apply_curve_blocked(job.finish, job.output + seg[s].out_at * b, seg[s].count, job.last_lanes);
}

template <int P = kDirectWidth>
struct DepthwiseByWidth {
  static void run(const ConvDepthwiseJob& job) {
    if (job.rows->width != P) return DepthwiseByWidth<P - 1>::run(job);
    const Finish finish = make_finish(job.finish);
    each_group<kDepthwiseSegments>(*job.rows, job.begin, job.end,
                                   [&](const auto& seg) { depthwise_segments<P>(job, finish, seg); });
  }
};
template <>
struct DepthwiseByWidth<0> {
  static void run(const ConvDepthwiseJob&) {}
};

static void depthwise(const ConvDepthwiseJob& job) { DepthwiseByWidth<>::run(job); }

}  // namespace ENGINE_TIER
}  // namespace engine
