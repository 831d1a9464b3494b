// com.microsoft's QLinearAdd and QLinearMul: inputs A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point.
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "ops/op.h"
#include "ops/quantize/quantizer.h"
#include "tensor/broadcast.h"

namespace engine {

// C = quantize(op(dequantize(A), dequantize(B))), in float32, every scale a scalar.
class QLinearBinary : public Op {
 public:
  explicit QLinearBinary(BinaryOp op) : op_(op) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  BinaryOp op_;
  BroadcastPlan plan_;
  Dequantizer dequantize_;
  Quantizer quantize_;
  BinaryFn combine_[kBroadcasts] = {};
};

// The scalars of a scale and a zero-point input (zero when it is left out).
struct QuantizedScalar {
  float scale = 1, zero = 0;
  QuantScales scales() const { return {&scale, zero != 0 ? &zero : nullptr, false}; }
};
QuantizedScalar quantized_scalar(const OpRun& r, int scale, int zero);

// Input `scale` must be a float32 scalar, input `zero` (may be left out) one of the dtype of input `data`.
Status require_quantized_scalar(InferContext& c, int scale, int zero, int data);

}  // namespace engine
