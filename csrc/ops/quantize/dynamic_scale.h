// The scale and zero point with which a float tensor is quantised to uint8 while running.
#pragma once

#include "ops/op.h"

namespace engine {

struct DynamicScale {
  float scale = 1;
  float zero = 0;  // integral, 0 to 255
};

// What need_scratch must have been told for dynamic_scale.
int64_t dynamic_scale_scratch();

// Of x's range with 0 in it, as DynamicQuantizeLinear defines it. Uses every worker's scratch.
Status dynamic_scale(OpRun& r, const float* x, int64_t n, DynamicScale* result);
// The same on this thread alone, for a few thousand elements.
DynamicScale dynamic_scale_here(const float* x, int64_t n);

}  // namespace engine
