#include "ops/conv/byte_conv.h"

namespace engine {
namespace {

class ConvInteger final : public Op {
 public:
  Status infer(InferContext& c) override {
    conv_.inputs = {.x = 0, .x_zero = 2, .w = 1, .w_zero = 3};
    return conv_.infer(c, DType::Int32);
  }
  Status prepare(PrepareContext& c) override { return conv_.prepare(c); }
  Status run(OpRun& r) const override { return conv_.run(r); }

 private:
  ByteConv conv_;
};

}  // namespace

void op_conv_integer(OpTable& t) { t.add<ConvInteger>("", "ConvInteger", 10, 2, 4); }

}  // namespace engine
