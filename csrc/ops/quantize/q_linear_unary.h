// com.microsoft's quantised activations: inputs X, X_scale, X_zero_point, Y_scale, Y_zero_point.
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "ops/op.h"

namespace engine {

// Y = quantize(op(dequantize(X))), through a table of the 256 values.
class QLinearUnary : public Op {
 public:
  explicit QLinearUnary(UnaryOp op) : op_(op) {}

  Status infer(InferContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  virtual void read_attributes(InferContext&) {}

  UnaryOp op_;
  UnaryParams params_;
};

}  // namespace engine
