// engine.ConvDepthwise: a dense convolution and the depthwise one that reads its result, made by passes (fuse_conv_depthwise).
#include <string.h>

#include "kernels/conv/conv_depthwise.h"
#include "ops/conv/conv_shape_of.h"
#include "ops/product/named_activation.h"

namespace engine {
namespace {

constexpr int kWeight = 1, kDepthwiseWeight = 2, kBias = 3, kDepthwiseBias = 4;
constexpr char kDensePrefix[] = "dense_";

// Inputs x, the weights of the dense convolution and of the depthwise one, their biases, which may be left out. Weights and biases
// are constants. Attributes: those of the depthwise convolution as engine.Conv has them, those of the dense one with "dense_" before
// their names. in_block is the dense one's: 0 when it reads a plain tensor; the result is blocked.
class ConvDepthwiseOp final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i = 0; i <= kDepthwiseBias; ++i)
      if (i == 0 || i == kWeight || i == kDepthwiseWeight || c.has_input(i)) ENGINE_TRY(c.require(i, dtype_set(DType::Float)));
    in_block_ = c.attr_int("dense_in_block", 0);
    ENGINE_ASSIGN(dense_epilogue_, epilogue_of(c, kDensePrefix));
    ENGINE_ASSIGN(depthwise_epilogue_, epilogue_of(c, ""));
    c.set(0, DType::Float);
    if (!c.all_known()) return {};
    Shape between, output;
    ENGINE_TRY(dense_shape_of(c, &between));
    ENGINE_TRY(conv_shape_of(c, between, kDepthwiseWeight, false, kDepthwiseBias, &depthwise_, &output));
    const int64_t lanes = blocked_kernels().lanes;
    if (output.rank() == kMaxRank) return error(Code::UnsupportedOperator, "too many dimensions");
    output[1] = (output[1] + lanes - 1) / lanes;
    output.push_back(lanes);
    c.set(0, DType::Float, output);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const ChannelLayout layout = in_block_ ? ChannelLayout::blocked : ChannelLayout::plain;
    if ((in_block_ && in_block_ != blocked_kernels().lanes) || !conv_depthwise_fits(dense_, layout, depthwise_))
      return error(Code::UnsupportedOperator, "such a pair of convolutions is not supported");
    plan_ = std::make_unique<ConvDepthwisePlan>(dense_, layout, dense_epilogue_, depthwise_, depthwise_epilogue_);
    c.need_scratch(int64_t(plan_->scratch_bytes()));
    ENGINE_ASSIGN(packed_dense_, packed(c, plan_->dense(), kWeight, kBias));
    ENGINE_ASSIGN(packed_depthwise_, packed(c, plan_->depthwise(), kDepthwiseWeight, kDepthwiseBias));
    return {};
  }

  Status run(OpRun& r) const override {
    const ConvDepthwiseTensors tensors{r.in<float>(0), reinterpret_cast<const float*>(packed_dense_->data()),
                                       reinterpret_cast<const float*>(packed_depthwise_->data()), r.out<float>(0)};
    return r.parallel(int64_t(plan_->tiles()), plan_->tile_ns(), [&](int64_t begin, int64_t end, int worker) {
      plan_->run(tensors, size_t(begin), size_t(end), r.scratch(worker));
    });
  }

 private:
  static Result<ConvEpilogue> epilogue_of(const InferContext& c, const std::string& prefix) {
    ConvEpilogue epilogue;
    ENGINE_ASSIGN(epilogue.activation, activation_named(c.attr_string((prefix + "activation").c_str(), "")));
    epilogue.alpha = c.attr_float((prefix + "activation_a").c_str(), 0);
    epilogue.beta = c.attr_float((prefix + "activation_b").c_str(), 0);
    return epilogue;
  }

  Status dense_shape_of(const InferContext& c, Shape* between) {
    Attributes attributes;
    static const Attributes none;
    for (const Attribute& a : c.node().attributes ? *c.node().attributes : none)
      if (a.name.starts_with(kDensePrefix)) {
        attributes.push_back(a);
        attributes.back().name.erase(0, strlen(kDensePrefix));
      }
    Node node = c.node();
    node.attributes = std::make_shared<const Attributes>(std::move(attributes));
    const TypeInfo* const types[] = {&c.type(0), &c.type(kWeight), c.has_input(kBias) ? &c.type(kBias) : nullptr};
    const Tensor* const values[] = {nullptr, nullptr, nullptr};
    const InferContext dense(node, types, values);
    Shape x = c.shape(0);
    if (in_block_) {
      if (x.rank() < 4 || x.back() != in_block_ || c.shape(kWeight).rank() < 2 || x[1] != (c.shape(kWeight)[1] + in_block_ - 1) / in_block_)
        return error(Code::InvalidModel, "blocked data have shape %s", x.text().c_str());
      x.erase(x.rank() - 1);
      x[1] = c.shape(kWeight)[1];
    }
    return conv_shape_of(dense, x, 1, false, 2, &dense_, between);
  }

  static Result<RefPtr<Buffer>> packed(PrepareContext& c, const ConvPlan& plan, int weight, int bias) {
    const bool has_bias = c.has_input(bias);
    if (!c.is_constant(weight) || (has_bias && !c.is_constant(bias))) return error(Code::UnsupportedOperator, "weights must be constants");
    auto fill = [&](char* memory) {
      plan.pack(c.value(weight)->as<float>(), has_bias ? c.value(bias)->as<float>() : nullptr, reinterpret_cast<float*>(memory), 0,
                plan.pack_items());
    };
    return c.pack(weight, "conv " + plan.packing_key(), int64_t(plan.packed_floats() * sizeof(float)), fill,
                  std::span(&bias, has_bias ? 1 : 0));
  }

  int64_t in_block_ = 0;
  ConvShape dense_, depthwise_;
  ConvEpilogue dense_epilogue_, depthwise_epilogue_;
  std::unique_ptr<const ConvDepthwisePlan> plan_;
  RefPtr<Buffer> packed_dense_, packed_depthwise_;
};

}  // namespace

void op_conv_depthwise(OpTable& t) { t.add<ConvDepthwiseOp>("engine", "ConvDepthwise", 1, 3, 5); }

}  // namespace engine
