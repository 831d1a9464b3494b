// The depthwise convolution in the blocked layout. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/epilogue.inl"
#include "kernels/conv/segments.inl"

namespace engine {
namespace ENGINE_TIER {

// Segments whose sums, with one weight, fill the registers.
constexpr int kDepthwiseSegments = Block::registers / Block::parts > 8 ? 4 : 2;

// One tap that every pixel reads. Stride (floats between pixels) is a constant where it is not 0.
template <int P, int Stride, int S>
ENGINE_INLINE void depthwise_tap(Block (&sum)[S * P], const Sources<S>& from, const float* w) {
  const Block weight = load(w);
  Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(i)::value, p = row % P;
    const ptrdiff_t offset = Stride ? p * ptrdiff_t(Stride) : p * from.stride;
    sum[row] = fma(sum[row], load(from.start[row / P] + offset), weight);
  });
}

// One tap that the pixels in `mask` read, in every segment.
template <int P, int S>
ENGINE_INLINE void depthwise_edge_tap(Block (&sum)[S * P], const Sources<S>& from, const float* w, uint32_t mask) {
  const Block weight = load(w);
  mask = opaque(mask);
  Repeat<P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    constexpr int p = decltype(i)::value;
    if (!(mask >> p & 1u)) return;
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA {
      constexpr int row = decltype(s)::value * P + p;
      sum[row] = fma(sum[row], load(from.start[s.value] + p * from.stride), weight);
    });
  });
}

// One kernel row that is inside the input for every segment; masks: by kernel column, the pixels that read inside.
template <int P, int Stride, int S>
ENGINE_INLINE void depthwise_row(Block (&sum)[S * P], Sources<S> from, ptrdiff_t column, const float* w, int64_t taps,
                                 const uint32_t* masks) {
  for (int64_t kw = 0; kw < taps; ++kw, w += Block::size) {
    if (masks[kw] == all_rows(P)) depthwise_tap<P, Stride>(sum, from, w);
    else depthwise_edge_tap<P>(sum, from, w, masks[kw]);
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += column; });
  }
}

// The same for a kernel row that is outside for some of the segments.
template <int P, int S>
ENGINE_INLINE void depthwise_rim(Block (&sum)[S * P], Sources<S> from, ptrdiff_t column, const float* w, int64_t taps,
                                 const uint32_t* masks, unsigned live) {
  for (int64_t kw = 0; kw < taps; ++kw, w += Block::size) {
    const Block weight = load(w);
    const uint32_t mask = opaque(masks[kw]);
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA {
      if (!(live >> s.value & 1u)) return;
      Repeat<P>::run([&](auto i) ENGINE_INLINE_LAMBDA {
        constexpr int p = decltype(i)::value, row = decltype(s)::value * P + p;
        if (mask >> p & 1u) sum[row] = fma(sum[row], load(from.start[s.value] + p * from.stride), weight);
      });
    });
    Repeat<S>::run([&](auto s) ENGINE_INLINE_LAMBDA { from.start[s.value] += column; });
  }
}

// REQUIRES: the segments lie at the same place of their rows.
template <int P, int S>
void depthwise_segments(const ConvDepthwiseJob& job, const Finish& finish, const Segment (&seg)[S]) {
  constexpr int b = Block::size;
  const ConvRows& r = *job.rows;
  Block sum[S * P];
  const Block bias = load(job.bias);
  Repeat<S * P>::run([&](auto i) ENGINE_INLINE_LAMBDA { sum[i.value] = bias; });
  const ptrdiff_t stride = r.stride[2] * b, column = r.dilation[2] * b;
  const float* weights = job.weights;
  const uint32_t* masks = seg[0].masks + 1;
  each_kernel_row(r, seg, [&](unsigned live, const int64_t(&at)[S]) ENGINE_INLINE_LAMBDA {
    const float* w = weights;
    weights += r.kernel[2] * b;
    if (live == 0) return;
    Sources<S> from;
    for (int s = 0; s < S; ++s) from.start[s] = job.input + at[s] * b;
    from.stride = stride;
    if (live != all_rows(S))
      depthwise_rim<P>(sum, from, column, w, r.kernel[2], masks, live);
    else if (stride == b)
      depthwise_row<P, b>(sum, from, column, w, r.kernel[2], masks);
    else if (stride == 2 * b)
      depthwise_row<P, 2 * b>(sum, from, column, w, r.kernel[2], masks);
    else
      depthwise_row<P, 0>(sum, from, column, w, r.kernel[2], masks);
  });
  const bool padded = job.last_lanes != b;
  if (!job.residual && !padded && seg[0].count == P) {
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

// Segments [begin, end), those of S whole rows together as far as there are so many.
template <int P, int S>
ENGINE_INLINE void depthwise_rows(const ConvDepthwiseJob& job, const Finish& finish, int64_t* row, int64_t end) {
  const ConvRows& r = *job.rows;
  for (; *row + S <= end; *row += S)
    for (int64_t part = 0; part < r.row_segments; ++part) {
      Segment seg[S];
      for (int s = 0; s < S; ++s) seg[s] = segment_at(r, *row + s, part);
      depthwise_segments<P>(job, finish, seg);
    }
}

template <int P>
void depthwise_some(const ConvDepthwiseJob& job, const Finish& finish, int64_t begin, int64_t end) {
  for (int64_t s = begin; s < end; ++s) {
    const Segment seg[1] = {first_segment(*job.rows, s)};
    depthwise_segments<P>(job, finish, seg);
  }
}

template <int P>
void depthwise_range(const ConvDepthwiseJob& job) {
  const Finish finish = make_finish(job.finish);
  const int64_t parts = job.rows->row_segments;
  int64_t row = (job.begin + parts - 1) / parts;
  const int64_t last = job.end / parts;
  if (row > last) return depthwise_some<P>(job, finish, job.begin, job.end);
  depthwise_some<P>(job, finish, job.begin, row * parts);
  depthwise_rows<P, kDepthwiseSegments>(job, finish, &row, last);
  depthwise_rows<P, kDepthwiseSegments / 2>(job, finish, &row, last);
  if (kDepthwiseSegments > 2) depthwise_rows<P, 1>(job, finish, &row, last);
  depthwise_some<P>(job, finish, last * parts, job.end);
}

template <int P = kDirectWidth>
struct DepthwiseByWidth {
  static void run(const ConvDepthwiseJob& job) {
    if (job.rows->width != P) return DepthwiseByWidth<P - 1>::run(job);
    depthwise_range<P>(job);
  }
};
template <>
struct DepthwiseByWidth<0> {
  static void run(const ConvDepthwiseJob&) {}
};

static void depthwise(const ConvDepthwiseJob& job) { DepthwiseByWidth<>::run(job); }

}  // namespace ENGINE_TIER
}  // namespace engine
