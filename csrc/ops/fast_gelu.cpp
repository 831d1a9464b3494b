#include "ops/elementwise/pair.h"
#include "ops/elementwise/unary.h"

namespace engine {
namespace {

class PlainGelu final : public ElementwiseUnary {
 public:
  PlainGelu() : ElementwiseUnary(UnaryOp::gelu_tanh, dtypes::kFloats) {}
};

class BiasedGelu final : public ElementwisePair {
 public:
  BiasedGelu() : ElementwisePair(PairOrder::BinaryFirst, UnaryOp::gelu_tanh, BinaryOp::add) {}
};

// The tanh form of Gelu, with an optional bias along the last dimension.
class FastGelu final : public Op {
 public:
  Status infer(InferContext& c) override {
    if (c.has_input(1)) form_ = std::make_unique<BiasedGelu>();
    else form_ = std::make_unique<PlainGelu>();
    return form_->infer(c);
  }
  Status prepare(PrepareContext& c) override { return form_->prepare(c); }
  Status run(OpRun& r) const override { return form_->run(r); }

 private:
  std::unique_ptr<Op> form_;
};

}  // namespace

void op_fast_gelu(OpTable& t) { t.add<FastGelu>("com.microsoft", "FastGelu", 1, 1, 2); }

}  // namespace engine
