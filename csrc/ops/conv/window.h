// Kernel, strides, dilations and pads of convolutions and pools, as attributes give them.
#pragma once

#include "ops/op.h"

namespace engine {

enum class AutoPad : uint8_t { notset, same_upper, same_lower, valid };

// Per spatial dimension, in the attributes' order; rank 1 to 3.
struct Window {
  int rank = 0;
  AutoPad auto_pad = AutoPad::notset;
  bool explicit_pads = false;
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  int64_t pad_begin[3] = {0, 0, 0}, pad_end[3] = {0, 0, 0};

  // Input positions that the kernel spans in dimension d.
  int64_t extent(int d) const { return (kernel[d] - 1) * dilation[d] + 1; }
};

// Reads kernel_shape (or `kernel`, the weight's spatial dimensions, when absent; both must agree when both are there),
// strides, dilations, pads, auto_pad for `rank` spatial dimensions. InvalidModel for numbers that make no sense,
// UnsupportedOperator for a rank outside 1 to 3.
Status read_window(const InferContext& c, int rank, const int64_t* kernel, Window* window);

// The output size in dimension d for an input of `in` positions, auto_pad resolved into pad_begin and pad_end.
// InvalidModel when the kernel does not fit; one of a single position gives none for none.
Result<int64_t> window_output(Window& window, int d, int64_t in, bool ceil_mode);

// `values` (rank of them) into the last places of a 3-D array, `fill` before.
void spread(const int64_t* values, int rank, int64_t fill, int64_t* out);

}  // namespace engine
