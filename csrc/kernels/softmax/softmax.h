// Float32 softmax and log-softmax, over rows and over columns.
//
// Pure functions: no allocation, no failure, no state. In place allowed (y == x). Each row (column) depends on itself
// alone, its sum is taken in an order fixed by its length. A row with a NaN or +inf, or of -inf only, gives NaN
// throughout (as 0 / 0 and inf - inf do in the definition). An exponential below the normal numbers is taken as 0.
#pragma once

#include <stddef.h>

namespace engine {

struct SoftmaxRows {
  const float* x;
  float* y;
  size_t rows, n;
  // y = softmax(scale x + mask). REQUIRES: scale is finite.
  float scale = 1.0f;
  // Null, or row r's mask at mask + r mask_stride (0: the same mask for each row).
  const float* mask = nullptr;
  size_t mask_stride = 0;
};

// Element (r, i) at x[r stride + i]; softmax over r, for each of `count` columns i.
struct SoftmaxColumns {
  const float* x;
  float* y;
  size_t n, stride, count;
};

struct SoftmaxKernels {
  void (*softmax_rows)(const SoftmaxRows& args);
  // scale and mask are not used.
  void (*log_softmax_rows)(const SoftmaxRows& args);
  void (*softmax_columns)(const SoftmaxColumns& args);
  void (*log_softmax_columns)(const SoftmaxColumns& args);
};

// The table of the active tier.
const SoftmaxKernels& softmax_kernels();

}  // namespace engine
