// The geometry of one convolution.
#pragma once

#include <stdint.h>

namespace engine {

// Always three spatial dimensions (depth, height, width); a 1-D or 2-D convolution has leading dimensions with
// in = out = kernel = stride = dilation = 1 and pad_begin = 0. The padding at the end is implied by `out`.
// REQUIRES (the caller checks): n, out >= 0; in >= 0; every other number but pad_begin >= 1; pad_begin may be
// negative (it then crops); groups divides c_in and c_out.
//
// transposed = false: output[o] sums input[o * stride - pad_begin + k * dilation] * weight[k],
//                     weight [c_out, c_in / groups, kernel...]
// transposed = true:  input[i] goes to output[i * stride - pad_begin + k * dilation] (gradient form),
//                     weight [c_in, c_out / groups, kernel...]
// What lies outside the input adds nothing.
struct ConvShape {
  int64_t n = 1, c_in = 1, c_out = 1, groups = 1;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, pad_begin[3] = {0, 0, 0};
  bool transposed = false;

  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t group_in() const { return c_in / groups; }
  int64_t group_out() const { return c_out / groups; }
  int64_t weight_count() const { return c_in * group_out() * taps(); }
  // Every input channel has one filter of its own.
  bool depthwise() const { return groups == c_in && groups == c_out && groups > 1; }
};

}  // namespace engine
