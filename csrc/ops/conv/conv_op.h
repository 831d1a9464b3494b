// Conv and ConvTranspose.
#pragma once

#include "ops/conv/conv_shape_of.h"
#include "ops/conv/direct_conv.h"
#include "ops/conv/float_conv.h"

namespace engine {

// Inputs x, w, optional bias: float32, 16-bit floats computed in float32, or float64.
template <bool transposed>
class ConvOp final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    ENGINE_TRY(c.require_same(0, 1));
    has_bias_ = c.has_input(2);
    if (has_bias_) ENGINE_TRY(c.require_same(0, 2));
    c.set(0, c.dtype(0));
    if (!c.known(0) || !c.known(1) || (has_bias_ && !c.known(2))) return partial(c);
    Shape output;
    ENGINE_TRY(conv_shape_of(c, c.shape(0), 1, transposed, has_bias_ ? 2 : -1, &shape_, &output));
    c.set(0, c.dtype(0), output);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    if (c.dtype(0) == DType::Double) return {};
    return conv_.prepare(c, shape_, ChannelLayout::plain, ChannelLayout::plain, ConvEpilogue(), 1, has_bias_ ? 2 : -1, c.dtype(0));
  }

  Status run(OpRun& r) const override {
    if (r.in(0).dtype != DType::Double) return conv_.run(r, -1);
    return run_direct_conv(r, shape_, r.in<double>(0), r.in<double>(1), has_bias_ ? r.in<double>(2) : nullptr, r.out<double>(0));
  }

 private:
  static Status partial(InferContext& c) {
    if (!c.has_rank(0)) return {};
    Shape shape = Shape::filled(c.shape(0).rank(), kUnknownDim);
    if (shape.rank() < 3) return {};
    shape[0] = c.shape(0)[0];
    if (c.known(1) && c.shape(1).rank() >= 2) shape[1] = transposed ? c.shape(1)[1] * c.attr_int("group", 1) : c.shape(1)[0];
    c.set(0, c.dtype(0), shape);
    return {};
  }

  bool has_bias_ = false;
  ConvShape shape_;
  FloatConv conv_;
};

}  // namespace engine
