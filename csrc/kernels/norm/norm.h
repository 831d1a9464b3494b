// Float32 normalisations: layer and RMS norm of rows, moments of groups, per-channel scale and shift.
//
// Pure functions: no allocation, no failure, no state. Rows and channels are independent, sums are taken in an order
// fixed by their length. Variances are population variances, from the squares of the differences to the mean: blocks
// of kNormBlock elements by two passes, merged pairwise, so that a large mean costs no accuracy.
#pragma once

#include <stddef.h>

namespace engine {

inline constexpr size_t kNormBlock = 4096;

// Row r of every array of rows begins at its pointer + r n. Null pointers mean absent.
struct NormRows {
  const float* x;
  float* y;  // may be x or residual
  size_t rows, n;
  float epsilon;
  const float* scale = nullptr;  // n
  const float* bias = nullptr;   // n; not for rms_norm
  // When present, x + residual + residual_bias is normalised in the place of x, and written to `sum` if that is present
  // (which may be x or residual).
  const float* residual = nullptr;
  const float* residual_bias = nullptr;  // n; only with residual
  float* sum = nullptr;
  // One value a row: the mean (layer_norm) and 1 / sqrt(variance + epsilon), for rms_norm 1 / sqrt(mean square + epsilon).
  float* mean = nullptr;
  float* inv_std = nullptr;
};

// y[c inner + i] = (x[c inner + i] - mean[c]) scale[c] + shift[c]; null arrays mean 0, 1 and 0. y may be x.
struct ScaleShift {
  const float* x;
  float* y;
  size_t channels, inner;
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
};

struct NormKernels {
  void (*layer_norm)(const NormRows& args);
  void (*rms_norm)(const NormRows& args);
  // mean[r] and inv_std[r] = 1 / sqrt(variance + epsilon) of row r (n elements).
  void (*moments)(const float* x, size_t rows, size_t n, float epsilon, float* mean, float* inv_std);
  void (*scale_shift)(const ScaleShift& args);
  // The same with channels innermost: element (i, c) at i channels + c.
  void (*scale_shift_last)(const ScaleShift& args);
};

// The table of the active tier.
const NormKernels& norm_kernels();

}  // namespace engine
