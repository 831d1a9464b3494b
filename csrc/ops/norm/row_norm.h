// Layer and RMS normalisation of rows, alone or of the sum with a residual.
#pragma once

#include "kernels/norm/norm.h"
#include "ops/elementwise/convert.h"
#include "ops/op.h"

namespace engine {

// Which input and output is what; -1: the operator has none.
struct RowNormSignature {
  bool center = true;               // subtracts the mean (layer norm), else RMS norm
  int bias = -1, residual = -1, residual_bias = -1;
  int scale = 1;
  int mean = -1, inv_std = -1, sum = -1;
  float epsilon = 1e-5f;
  bool dtype_of_scale = false;      // the output has the scale's dtype, else the input's
};

// Rows are the axes from attribute `axis` on (default: the last). Scale and biases are broadcast to a row. float16 and bfloat16
// are computed in float32. The residual has the input's shape, or that of its last axes.
class RowNorm : public Op {
 public:
  explicit RowNorm(const RowNormSignature& signature) : s_(signature) {}
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  Status check_row_operand(const InferContext& c, int i, int rank) const;
  Status check_residual(const InferContext& c) const;
  const float* row_operand(OpRun& r, int i, int slot) const;
  NormRows arguments(OpRun& r) const;
  void float_rows(OpRun& r, NormRows a, int64_t begin, int64_t end) const;
  void converted_rows(OpRun& r, const NormRows& a, int64_t begin, int64_t end, float* scratch) const;
  void double_rows(OpRun& r, int64_t begin, int64_t end, int worker) const;
  Status long_rows(OpRun& r, const float* x, const float* residual, float* sum, float* y) const;
  Status long_native_rows(OpRun& r) const;
  Status long_converted_rows(OpRun& r) const;

  RowNormSignature s_;
  int axis_ = 0;
  float epsilon_ = 1e-5f;
  DType x_type_ = DType::Float, y_type_ = DType::Float;
  bool native_ = true;              // float32 in and out
  int64_t rows_ = 0, n_ = 0, residual_rows_ = 0;
  bool direct_[3] = {};             // scale, bias, residual bias: used where they are
  int64_t slot_[3] = {};            // else their place in the shared scratch, in floats
  int64_t slots_ = 0;               // floats of all of them
  int64_t copies_at_ = 0;           // in the shared scratch, after them: float32 copies of long rows
};

template <const RowNormSignature& kSignature>
class RowNormOf final : public RowNorm {
 public:
  RowNormOf() : RowNorm(kSignature) {}
};

}  // namespace engine
