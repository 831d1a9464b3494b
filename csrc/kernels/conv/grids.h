// The grids of output pixels that a convolution computes tap by tap alike.
#pragma once

#include <memory>
#include <vector>

#include "kernels/conv/conv_kernels.h"
#include "kernels/conv/conv_shape.h"

namespace engine {

// One grid with the kernel positions behind its taps.
struct TapGrid {
  ConvGrid grid;
  std::vector<int64_t> offset[3];  // what grid.offset points to
  std::vector<int64_t> kernel[3];  // kernel position of each tap

  int64_t pixels() const { return grid.grid[0] * grid.grid[1] * grid.grid[2]; }
  int64_t taps() const { return grid.taps[0] * grid.taps[1] * grid.taps[2]; }
};

// Every output pixel is in exactly one grid. A forward convolution has one; a transposed one has one per phase of the
// strides (stride[0] * stride[1] * stride[2]), possibly without pixels or without taps.
std::vector<std::unique_ptr<TapGrid>> make_tap_grids(const ConvShape& shape);

}  // namespace engine
