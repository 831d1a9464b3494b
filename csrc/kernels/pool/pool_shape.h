// The geometry of one pooling, and its windows.
#pragma once

#include <stdint.h>

namespace engine {

enum class PoolKind : uint8_t { max, average };

// Three spatial dimensions, as ConvShape: fewer get leading ones (and pads of 0). Output position o covers the input
// positions o * stride - pad_begin + k * dilation, k < kernel, that lie inside the input. `out` is the caller's choice
// (ceil_mode included). pad_end is read only where pads are counted.
// REQUIRES: n, channels, in, out >= 0; kernel, stride, dilation >= 1; pads >= 0.
struct PoolShape {
  int64_t n = 1, channels = 1;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  int64_t pad_begin[3] = {0, 0, 0}, pad_end[3] = {0, 0, 0};

  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  // One window over the whole input.
  bool global() const {
    for (int d = 0; d < 3; ++d)
      if (kernel[d] != in[d] || out[d] != 1 || dilation[d] != 1 || pad_begin[d] != 0) return false;
    return true;
  }
};

// What an output position covers in one dimension: `count` input positions from `begin`, `dilation` apart.
struct PoolWindow {
  int64_t begin, count;
  int64_t padded;  // positions of the window inside the input or its pads (what count_include_pad counts)
};

// static: files of an instruction-set tier have their own copy.
static inline PoolWindow pool_window(int64_t o, int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                                     int64_t pad_begin, int64_t pad_end) {
  const int64_t first = o * stride - pad_begin;
  int64_t lo = first < 0 ? (-first + dilation - 1) / dilation : 0;
  int64_t hi = in > first ? (in - first - 1) / dilation + 1 : 0;
  int64_t padded = in + pad_end > first ? (in + pad_end - first - 1) / dilation + 1 : 0;
  if (hi > kernel) hi = kernel;
  if (padded > kernel) padded = kernel;
  if (lo > hi) lo = hi;
  return {first + lo * dilation, hi - lo, padded};
}

static inline PoolWindow pool_window(const PoolShape& s, int d, int64_t o) {
  return pool_window(o, s.in[d], s.kernel[d], s.stride[d], s.dilation[d], s.pad_begin[d], s.pad_end[d]);
}

}  // namespace engine
