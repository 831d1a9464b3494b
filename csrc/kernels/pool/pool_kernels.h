// What an instruction-set tier supplies to pooling. pool.h is the interface for operators.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/pool/pool_shape.h"

namespace engine {

// Output rows [begin, end) (depth * height) of one plane: a channel, or in the blocked kernels a channel block.
struct PoolJob {
  const PoolShape* shape;
  // Of every output column, in order; windows[o].begin is an input column.
  const PoolWindow* columns;
  const float* input;
  float* output;
  int64_t begin, end;
  int64_t column_begin, column_end;  // plain: of the output; blocked: all
  bool count_pads;   // average: divide by PoolWindow::padded, else by PoolWindow::count, over the three dimensions
  int real_lanes;    // blocked: lanes that are channels; the others are written as +0
  float* scratch;    // plain: pool_scratch_floats of that many columns
};

// For `columns` output columns. REQUIRES: lanes is PoolKernels::lanes.
static inline int64_t pool_scratch_floats(const PoolShape& s, int64_t columns, int lanes) {
  return (columns - 1) * s.stride[2] + (s.kernel[2] - 1) * s.dilation[2] + 1 + 3 * lanes;
}

// max: NaN where the window has one, -inf where it is empty. average: 0 where the divisor is 0.
struct PoolKernels {
  int lanes;
  void (*max_blocked)(const PoolJob&);
  void (*average_blocked)(const PoolJob&);
  void (*max_plain)(const PoolJob&);
  void (*average_plain)(const PoolJob&);

  // y = the reduction of one plane of `pixels`: a number, or in the blocked forms a block.
  void (*global_max_blocked)(const float* x, int64_t pixels, int real_lanes, float* y);
  void (*global_average_blocked)(const float* x, int64_t pixels, int real_lanes, float* y);
  void (*global_max_plain)(const float* x, int64_t pixels, float* y);
  void (*global_average_plain)(const float* x, int64_t pixels, float* y);
};

// The table of the active tier.
const PoolKernels& pool_kernels();

}  // namespace engine
