// engine.Conv: Conv or ConvTranspose with bias, residual, activation and channel-blocked tensors, made by passes; and
// com.microsoft.FusedConv.
#include "ops/conv/conv_shape_of.h"
#include "ops/conv/float_conv.h"
#include "ops/product/named_activation.h"

namespace engine {
namespace {

constexpr int kBias = 2, kResidual = 3;

// Inputs x, w, bias (may be left out), residual (may be left out, of the output's shape). Attributes besides those of the
// convolution: transposed, activation, activation_a, activation_b, in_block and out_block: the lanes of a blocked input
// [N, ceil(C / block), spatial..., block] and output, 0 when plain. residual has the output's layout.
class FusedConvOp : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(read_attributes(c));
    ENGINE_TRY(c.require(0, dtypes::kFloats & ~dtype_set(DType::Double)));
    for (int i = 1; i <= kResidual; ++i)
      if (i == 1 || c.has_input(i)) ENGINE_TRY(c.require_same(0, i));
    has_bias_ = c.has_input(kBias);
    has_residual_ = c.has_input(kResidual);
    c.set(0, c.dtype(0));
    if (!c.known(0) || !c.known(1) || (has_bias_ && !c.known(kBias))) return partial(c);
    Shape x = c.shape(0), output;
    if (in_block_) ENGINE_TRY(unblock(c, &x));
    ENGINE_TRY(conv_shape_of(c, x, 1, transposed_, has_bias_ ? kBias : -1, &shape_, &output));
    if (out_block_) {
      if (output.rank() == kMaxRank) return error(Code::UnsupportedOperator, "too many dimensions");
      output[1] = (output[1] + out_block_ - 1) / out_block_;
      output.push_back(out_block_);
    }
    if (has_residual_ && c.known(kResidual) && !(c.shape(kResidual) == output))
      return error(Code::InvalidModel, "the residual has shape %s, the output %s", c.shape(kResidual).text().c_str(), output.text().c_str());
    c.set(0, c.dtype(0), output);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    int lanes = blocked_kernels().lanes;
    ChannelLayout in = in_block_ ? ChannelLayout::blocked : ChannelLayout::plain;
    ChannelLayout out = out_block_ ? ChannelLayout::blocked : ChannelLayout::plain;
    for (int64_t block : {in_block_, out_block_})
      if (block && (block != lanes || c.dtype(0) != DType::Float || !conv_supports(shape_, in, out)))
        return error(Code::UnsupportedOperator, "blocks of %lld channels are not supported here", (long long)block);
    return conv_.prepare(c, shape_, in, out, epilogue_, 1, has_bias_ ? kBias : -1, c.dtype(0));
  }

  Status run(OpRun& r) const override { return conv_.run(r, has_residual_ ? kResidual : -1); }

 protected:
  virtual Status read_attributes(InferContext& c) {
    transposed_ = c.attr_int("transposed", 0) != 0;
    in_block_ = c.attr_int("in_block", 0);
    out_block_ = c.attr_int("out_block", 0);
    ENGINE_ASSIGN(epilogue_.activation, activation_named(c.attr_string("activation", "")));
    epilogue_.alpha = c.attr_float("activation_a", 0);
    epilogue_.beta = c.attr_float("activation_b", 0);
    return {};
  }

  ConvEpilogue epilogue_;

 private:
  // The plain shape of a blocked input.
  Status unblock(InferContext& c, Shape* x) const {
    int64_t group = c.attr_int("group", 1), channels = 0;
    if (x->rank() < 4 || x->back() != in_block_ || c.shape(1).rank() < 2)
      return error(Code::InvalidModel, "blocked data have shape %s", x->text().c_str());
    channels = transposed_ ? c.shape(1)[0] : c.shape(1)[1] * group;
    if ((*x)[1] != (channels + in_block_ - 1) / in_block_)
      return error(Code::InvalidModel, "blocked data %s do not hold %lld channels", x->text().c_str(), (long long)channels);
    x->erase(x->rank() - 1);
    (*x)[1] = channels;
    return {};
  }

  Status partial(InferContext& c) {
    if (!c.has_rank(0) || in_block_ || out_block_) return {};
    Shape shape = Shape::filled(c.shape(0).rank(), kUnknownDim);
    if (shape.rank() < 3) return {};
    shape[0] = c.shape(0)[0];
    if (c.known(1) && c.shape(1).rank() >= 2) shape[1] = transposed_ ? c.shape(1)[1] * c.attr_int("group", 1) : c.shape(1)[0];
    c.set(0, c.dtype(0), shape);
    return {};
  }

  bool transposed_ = false, has_bias_ = false, has_residual_ = false;
  int64_t in_block_ = 0, out_block_ = 0;
  ConvShape shape_;
  FloatConv conv_;
};

class MicrosoftFusedConv final : public FusedConvOp {
  Status read_attributes(InferContext& c) override {
    ENGINE_ASSIGN(epilogue_.activation, activation_named(c.attr_string("activation", "")));
    std::vector<float> params = c.attr_floats("activation_params");
    bool two = epilogue_.activation == Activation::clip || epilogue_.activation == Activation::hard_sigmoid;
    size_t wanted = two ? 2 : epilogue_.activation == Activation::leaky_relu ? 1 : 0;
    if (params.size() < wanted)
      return error(Code::InvalidModel, "activation_params has %d elements; %d are wanted", int(params.size()), int(wanted));
    if (wanted > 0) epilogue_.alpha = params[0];
    if (wanted > 1) epilogue_.beta = params[1];
    return {};
  }
};

}  // namespace

void op_fused_conv(OpTable& t) {
  t.add<FusedConvOp>("engine", "Conv", 1, 2, 4);
  t.add<MicrosoftFusedConv>("com.microsoft", "FusedConv", 1, 2, 4);
}

}  // namespace engine
