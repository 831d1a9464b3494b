// The dense convolution of one tap, step 1 and no padding: pixels that are neighbours in the input are so in the output.
// REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/epilogue.inl"
#include "kernels/conv/segments.inl"

namespace engine {
namespace ENGINE_TIER {

ENGINE_INLINE bool is_pointwise(const ConvRows& r) {
  const bool one_tap = r.kernel[0] * r.kernel[1] * r.kernel[2] == 1, one_row = r.out[0] == 1 && r.out[1] == 1 && r.in[0] == 1 && r.in[1] == 1;
  return one_tap && one_row && r.stride[2] == 1 && r.in[2] == r.out[2] && r.pad_begin[0] == 0 && r.pad_begin[1] == 0 &&
         r.pad_begin[2] == 0 && r.pixel_stride == Block::size && r.channel_stride == 1;
}

// Channel steps [step_begin, step_end) of P neighbouring pixels from `pixel` on; fetches once for each step.
template <int P, int Q>
void pointwise_pixels(const ConvDirectJob& job, const Finish& finish, int64_t pixel, int64_t step_begin, int64_t step_end,
                      const float* weights, FetchAhead& next) {
  constexpr int b = Block::size;
  const ConvRows& r = *job.rows;
  const ptrdiff_t out_step = r.out_step, in_step = r.in_step;
  float* output = job.output + pixel * b;
  const float* input = job.input + step_begin * in_step + pixel * b;
  Tile<1, P, Q> tile;
  Repeat<P>::run([&](auto p) ENGINE_INLINE_LAMBDA {
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
      tile.sum[p.value][q.value] = load(step_begin == 0 ? job.bias + q.value * b : output + q.value * out_step + p.value * b);
    });
  });
  FetchAhead fetched = next;
  for (int64_t step = step_begin; step < step_end; ++step) {
    const int64_t left = job.channels - step * job.step_channels;
    const int64_t n = left < job.step_channels ? left : job.step_channels;
    const Sources<1> from{{input}, b};
    if (step + 1 < step_end) prefetch_rows<P>(from, in_step);
    fetched.fetch();
    accumulate(tile, from, 1, weights, n);
    weights += n * Q * b;
    input += in_step;
  }
  next = fetched;
  const bool finishes = step_end * job.step_channels >= job.channels;
  const float* residual = finishes && job.residual ? job.residual + pixel * b : nullptr;
  Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
    constexpr int k = decltype(q)::value;
    const bool padded = finishes && k == Q - 1 && job.last_lanes != b;
    Repeat<P>::run([&](auto p) ENGINE_INLINE_LAMBDA {
      Block x = tile.sum[p.value][k];
      if (residual) x = add(x, load(residual + k * out_step + p.value * b));
      if (finishes) x = clamp(finish, x);
      if (padded) x = first_lanes(x, job.last_lanes);
      store(output + k * out_step + p.value * b, x);
    });
    if (finishes && job.finish.curve)
      apply_curve_blocked(job.finish, output + k * out_step, P, k == Q - 1 ? job.last_lanes : b);
  });
}

}  // namespace ENGINE_TIER
}  // namespace engine
