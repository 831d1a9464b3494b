// A float32 convolution as a part of operators: Conv, ConvTranspose and the fused form.
#pragma once

#include <memory>

#include "kernels/conv/conv.h"
#include "ops/op.h"

namespace engine {

class FloatConv {
 public:
  // weight, bias: positions among the inputs (bias -1: none). The weight is packed now when it is constant, else at every run.
  // dtype: of the tensors; float16 and bfloat16 are widened. Only float32 may have blocked layouts.
  Status prepare(PrepareContext& c, const ConvShape& shape, ChannelLayout input, ChannelLayout output, const ConvEpilogue& epilogue,
                 int weight, int bias, DType dtype);
  // residual: position among the inputs, or -1.
  Status run(OpRun& r, int residual) const;

 private:
  Status pack_constant(PrepareContext& c);
  Status run_float(OpRun& r, const float* input, const float* weight, const float* bias, const float* residual, float* output,
                   char* scratch) const;
  int64_t widened_bytes() const;

  ConvShape shape_;
  std::unique_ptr<const ConvPlan> plan_;
  RefPtr<Buffer> packed_;
  int weight_ = 1, bias_ = -1;
  DType dtype_ = DType::Float;
};

// Nanoseconds of one tile of the plan, from its arithmetic.
double conv_tile_ns(const ConvShape& shape, size_t tiles);

}  // namespace engine
