// Mean and standard deviation of rows of any length: long ones by blocks, merged in order.
#pragma once

#include "ops/op.h"

namespace engine {

// Bytes of scratch memory of a LongMoments.
int64_t long_moments_scratch(int64_t rows, int64_t n);

// The results live in the scratch memory.
class LongMoments {
 public:
  LongMoments(float* scratch, int64_t rows, int64_t n);
  // x: rows of n float32. inv_std is 1 / sqrt(variance + epsilon); without `center` the mean counts as 0.
  Status compute(OpRun& r, const float* x, float epsilon, bool center);
  const float* mean() const { return mean_; }
  const float* inv_std() const { return inv_std_; }

 private:
  void merge(int64_t row, float epsilon, bool center);

  int64_t rows_, n_, blocks_;
  float *mean_, *inv_std_, *block_mean_, *block_square_;  // of blocks: the mean, and the variance (or mean square)
};

}  // namespace engine
