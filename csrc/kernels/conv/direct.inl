// The dense convolution into blocked output. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/pointwise.inl"

namespace engine {
namespace ENGINE_TIER {

template <int S, int P, int Q>
ENGINE_INLINE void start_sums(Tile<S, P, Q>& t, const ConvDirectJob& job, const Segment (&seg)[S], bool first) {
  constexpr int b = Block::size;
  Repeat<S * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(r)::value, p = row % P;
    const Segment& s = seg[row / P];
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
      constexpr int k = decltype(q)::value;
      if (first)
        t.sum[row][k] = load(job.bias + k * b);
      else
        t.sum[row][k] = p < s.count ? load(job.output + k * job.rows->out_step + (s.out_at + p) * b) : zero_block();
    });
  });
}

template <int S, int P, int Q>
ENGINE_INLINE void store_sums(const Tile<S, P, Q>& t, const ConvDirectJob& job, const Segment (&seg)[S]) {
  constexpr int b = Block::size;
  Repeat<S * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(r)::value, p = row % P;
    const Segment& s = seg[row / P];
    if (p >= s.count) return;
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
      constexpr int k = decltype(q)::value;
      store(job.output + k * job.rows->out_step + (s.out_at + p) * b, t.sum[row][k]);
    });
  });
}

template <int S, int P, int Q>
ENGINE_INLINE void finish_sums(const Tile<S, P, Q>& t, const ConvDirectJob& job, const Finish& finish,
                               const Segment (&seg)[S]) {
  constexpr int b = Block::size;
  const bool padded = job.last_lanes != b;
  Repeat<S * P>::run([&](auto r) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(r)::value, p = row % P;
    const Segment& s = seg[row / P];
    if (p >= s.count) return;
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
      constexpr int k = decltype(q)::value;
      ptrdiff_t at = k * job.rows->out_step + (s.out_at + p) * b;
      Block x = t.sum[row][k];
      if (job.residual) x = add(x, load(job.residual + at));
      x = clamp(finish, x);
      if (k == Q - 1 && padded) x = first_lanes(x, job.last_lanes);
      store(job.output + at, x);
    });
  });
  if (!job.finish.curve) return;
  for (int s = 0; s < S; ++s)
    for (int k = 0; k < Q; ++k)
      apply_curve_blocked(job.finish, job.output + k * job.rows->out_step + seg[s].out_at * b, seg[s].count,
                          k == Q - 1 ? job.last_lanes : b);
}

// Channel steps [step_begin, step_end) of S segments; fetches once for each step and tap that reads whole rows.
template <int P, int Q, int S>
void direct_segments(const ConvDirectJob& job, const Finish& finish, const Segment (&seg)[S], int64_t step_begin,
                     int64_t step_end, const float* weights, FetchAhead& next) {
  const ConvRows& r = *job.rows;
  constexpr int b = Block::size;
  Tile<S, P, Q> tile;
  start_sums(tile, job, seg, step_begin == 0);
  const ptrdiff_t stride = r.stride[2] * r.pixel_stride, column = r.dilation[2] * r.pixel_stride;
  const bool inside = whole<S, P>(seg);
  for (int64_t step = step_begin; step < step_end; ++step) {
    const int64_t left = job.channels - step * job.step_channels;
    const int64_t n = left < job.step_channels ? left : job.step_channels;
    const float* in = job.input + step * r.in_step;
    const ptrdiff_t ahead = step + 1 < step_end ? r.in_step : 0;
    each_kernel_row(r, seg, [&](unsigned live, const int64_t(&at)[S]) ENGINE_INLINE_LAMBDA {
      const float* w = weights;
      weights += r.kernel[2] * n * Q * b;
      if (live == 0) return;
      Sources<S> from;
      for (int s = 0; s < S; ++s) from.start[s] = in + at[s] * r.pixel_stride;
      from.stride = stride;
      const int64_t together = inside && live == all_rows(S) ? r.kernel[2] : 1;
      for (int64_t kw = 0; kw < r.kernel[2]; kw += together) {
        const uint32_t mask = live_rows<S, P>(seg, live, kw);
        if (mask == all_rows(S * P))
          accumulate_columns(tile, from, column, together, r.channel_stride, w, n, ahead, next);
        else if (mask != 0)
          accumulate_some(tile, from, r.channel_stride, w, n, mask);
        w += n * Q * b;
        for (int s = 0; s < S; ++s) from.start[s] += column;
      }
    });
  }
  if (step_end * job.step_channels >= job.channels)
    finish_sums(tile, job, finish, seg);
  else
    store_sums(tile, job, seg);
}

// The pairs of whole segments that pointwise_pixels can take; returns the first segment that is left.
template <int P, int Q>
int64_t pointwise_rows(const ConvDirectJob& job, const Finish& finish, int64_t step, int64_t end, const float* weights,
                       FetchAhead& next) {
  int64_t s = job.begin;
  for (; s + 2 <= job.end && (s + 2) * P <= job.rows->out[2]; s += 2)
    pointwise_pixels<2 * P, Q>(job, finish, s * P, step, end, weights, next);
  return s;
}

template <int P, int Q>
void direct_rows(const ConvDirectJob& job) {
  const Finish finish = make_finish(job.finish);
  const int64_t steps = (job.channels + job.step_channels - 1) / job.step_channels;
  const int64_t taps = job.rows->kernel[0] * job.rows->kernel[1] * job.rows->kernel[2];
  const int64_t step_floats = job.step_channels * taps * Q * Block::size;
  const bool pointwise = is_pointwise(*job.rows);
  for (int64_t step = 0; step < steps; step += job.chunk_steps) {
    const int64_t end = step + job.chunk_steps < steps ? step + job.chunk_steps : steps;
    const float* weights = job.weights + step * step_floats;
    const int64_t fetches = (job.end - job.begin + 1) / 2 * (end - step) * taps;
    FetchAhead next = end == steps ? fetch_ahead(job.next, job.next_floats * 4, fetches)
                                   : fetch_ahead(job.weights_cold ? weights + (end - step) * step_floats : nullptr,
                                                 job.chunk_steps * step_floats * 4, fetches);
    const int64_t begin = pointwise ? pointwise_rows<P, Q>(job, finish, step, end, weights, next) : job.begin;
    each_group<2>(*job.rows, begin, job.end,
                  [&](const auto& seg) { direct_segments<P, Q>(job, finish, seg, step, end, weights, next); });
  }
}

template <int Q, int P = kDirectWidth>
struct DirectByWidth {
  static void run(const ConvDirectJob& job) {
    if (job.rows->width == P)
      direct_rows<P, Q>(job);
    else
      DirectByWidth<Q, P - 1>::run(job);
  }
};
template <int Q>
struct DirectByWidth<Q, 0> {
  static void run(const ConvDirectJob&) {}
};

static void direct(const ConvDirectJob& job) {
  if (job.blocks == kDirectBlocks)
    DirectByWidth<kDirectBlocks>::run(job);
  else
    DirectByWidth<1>::run(job);
}

}  // namespace ENGINE_TIER
}  // namespace engine
