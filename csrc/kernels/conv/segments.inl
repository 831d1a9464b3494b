// Walking over the segments of ConvRows.
#pragma once

#include "kernels/conv/accumulate.inl"
#include "kernels/conv/conv_kernels.h"

namespace engine {
namespace ENGINE_TIER {

// Where one segment lies and what it reads. `row` and `part` are the quotient and the remainder of its index.
struct Segment {
  int64_t row, part;
  int64_t out_at;         // pixel index in the output plane
  int64_t d, h, w;        // input position of its first pixel at kernel position 0; may be outside
  const uint32_t* masks;  // as ConvRows
  int count;              // pixels, 1 <= count <= rows.width
};

ENGINE_INLINE Segment segment_at(const ConvRows& r, int64_t row, int64_t part) {
  int64_t column = part * r.width, left = r.out[2] - column;
  Segment s;
  s.row = row;
  s.part = part;
  s.d = -r.pad_begin[0];
  s.h = row;
  s.out_at = column;
  if (r.out[0] > 1) {
    const int64_t depth = row / r.out[1];
    s.d += depth * r.stride[0];
    s.h = row - depth * r.out[1];
    s.out_at += depth * r.out_depth;
  }
  s.out_at += s.h * r.out[2];
  s.h = s.h * r.stride[1] - r.pad_begin[1];
  s.w = column * r.stride[2] - r.pad_begin[2];
  s.masks = r.masks + part * (1 + r.kernel[2]);
  s.count = left < r.width ? int(left) : r.width;
  return s;
}

ENGINE_INLINE Segment first_segment(const ConvRows& r, int64_t index) {
  return segment_at(r, index / r.row_segments, index % r.row_segments);
}

ENGINE_INLINE Segment next_segment(const ConvRows& r, const Segment& s) {
  return s.part + 1 < r.row_segments ? segment_at(r, s.row, s.part + 1) : segment_at(r, s.row + 1, 0);
}

// Calls f(segments) for [begin, end): with arrays of N segments, then of one.
template <int N, class F>
ENGINE_INLINE void each_group(const ConvRows& r, int64_t begin, int64_t end, F f) {
  if (begin >= end) return;
  Segment next = first_segment(r, begin);
  int64_t s = begin;
  for (; s + N <= end; s += N) {
    Segment group[N];
    for (int i = 0; i < N; ++i) {
      group[i] = next;
      next = next_segment(r, next);
    }
    f(group);
  }
  for (; s < end; ++s) {
    Segment one[1] = {next};
    next = next_segment(r, next);
    f(one);
  }
}

// True when the kernel row (kd, kh) is inside the input; then *at is its first pixel's index, from the start of the
// plane (kernel column 0; that pixel itself may be outside).
ENGINE_INLINE bool kernel_row(const ConvRows& r, const Segment& s, int64_t kd, int64_t kh, int64_t* at) {
  int64_t d = s.d + kd * r.dilation[0], h = s.h + kh * r.dilation[1];
  *at = d * r.in_depth + h * r.in[2] + s.w;
  return d >= 0 && d < r.in[0] && h >= 0 && h < r.in[1];
}

// Calls f(kd, kh, live, at[S]) for each kernel row; bit s of `live` is set when it is inside the input for segment s.
template <int S, class F>
ENGINE_INLINE void each_kernel_row(const ConvRows& r, const Segment (&seg)[S], F f) {
  for (int64_t kd = 0; kd < r.kernel[0]; ++kd)
    for (int64_t kh = 0; kh < r.kernel[1]; ++kh) {
      int64_t at[S];
      unsigned live = 0;
      for (int s = 0; s < S; ++s) live |= unsigned(kernel_row(r, seg[s], kd, kh, &at[s])) << s;
      f(live, at);
    }
}

// The rows (of S * P) that read inside the input through kernel column kw.
template <int S, int P>
ENGINE_INLINE uint32_t live_rows(const Segment (&seg)[S], unsigned live, int64_t kw) {
  uint32_t mask = 0;
  for (int s = 0; s < S; ++s)
    if (live >> s & 1u) mask |= seg[s].masks[1 + kw] << (s * P);
  return mask;
}

// True when every pixel of every segment reads inside the input through every column of a kernel row that is.
template <int S, int P>
ENGINE_INLINE bool whole(const Segment (&seg)[S]) {
  uint32_t mask = all_rows(P);
  for (int s = 0; s < S; ++s) mask &= seg[s].masks[0];
  return mask == all_rows(P);
}

}  // namespace ENGINE_TIER
}  // namespace engine
