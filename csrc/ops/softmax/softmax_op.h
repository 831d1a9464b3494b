// Softmax and LogSoftmax: over one axis, or before opset 13 over all axes from `axis` on.
#pragma once

#include "ops/elementwise/convert.h"
#include "ops/op.h"
#include "ops/softmax/stepwise_softmax.h"

namespace engine {

// float16 and bfloat16 are computed in float32; Softmax rounds at each step, LogSoftmax once.
class SoftmaxOp : public Op {
 public:
  explicit SoftmaxOp(bool log) : log_(log) {}
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  Status halves(OpRun& r) const;
  Status half_rows(OpRun& r) const;
  Status half_columns(OpRun& r) const;
  bool stepwise_row(OpRun& r, int worker, float* row) const;
  Status long_columns(OpRun& r, const float* x, float* y) const;
  void sum_block(const float* x, float* y, const float* top, float* total, int64_t steps, int64_t width) const;
  Status rows(OpRun& r, const float* x, float* y) const;
  Status columns(OpRun& r, const float* x, float* y) const;
  Status long_rows(OpRun& r, const float* x, float* y) const;
  Status doubles(OpRun& r) const;
  bool copies() const { return blocks_ > 1 || (log_ && inner_ > 1); }
  bool columns_are_long() const { return inner_ > 1 && column_blocks_ > 1; }

  bool log_;
  int axis_ = 0, end_ = 0;
  int64_t outer_ = 0, length_ = 0, inner_ = 0, blocks_ = 1;
  int64_t column_blocks_ = 1;
  int64_t strip_ = 1;  // columns of half_columns' items
  Converter load_, store_;
  StepwiseSoftmax steps_;
};

template <bool kLog>
class SoftmaxOf final : public SoftmaxOp {
 public:
  SoftmaxOf() : SoftmaxOp(kLog) {}
};

}  // namespace engine
