// Softmax on float16 and bfloat16 as ONNX defines it: maximum, differences, exponentials, their sum and the quotients are
// each rounded to the type. Values are kept in float32, each of them one that the type has.
//
// The sum of float16 is rounded once. That of bfloat16, which has eight bits, adds runs of kRun elements with each step
// rounded, and the totals of the runs in float32, so that the sum of a long row does not stop growing. A sum above the
// type's largest value stays in float32.
//
// A row with a NaN or +inf, or of -inf only, gives NaN throughout. Thread-safe; no allocation.
#pragma once

#include "ops/elementwise/convert.h"

namespace engine {

class StepwiseSoftmax {
 public:
  static constexpr int64_t kRun = 8;

  StepwiseSoftmax() = default;
  // dtype: Float16 or BFloat16.
  explicit StepwiseSoftmax(DType dtype);

  // Rounds n values to the type, in place.
  void round(float* x, int64_t n) const;

  // The whole softmax of n > 0 values, in place.
  void row(float* x, int64_t n) const;

  // Its parts, for rows that are cut into blocks (of a multiple of kRun elements).
  // x = exp(x - top), in place.
  void exponentials(float* x, int64_t n, float top) const;
  // Not yet rounded; n > 0.
  float sum(const float* x, int64_t n) const;
  // x = x / total, in place.
  void quotients(float* x, int64_t n, float total) const;

 private:
  DType dtype_ = DType::Float;
  Converter load_, store_;
};

}  // namespace engine
