#include "ops/conv/byte_conv.h"

namespace engine {
namespace {

// engine.QLinearConv has the attributes low and high besides, the range of the result.
class QLinearConv final : public Op {
 public:
  Status infer(InferContext& c) override {
    conv_.inputs = {.x = 0, .x_scale = 1, .x_zero = 2, .w = 3, .w_scale = 4, .w_zero = 5, .y_scale = 6, .y_zero = 7, .bias = 8};
    ENGINE_TRY(c.require(7, dtype_set(DType::Uint8, DType::Int8)));
    if (c.node().domain == "engine") conv_.low = int32_t(c.attr_int("low", 0)), conv_.high = int32_t(c.attr_int("high", 0));
    return conv_.infer(c, c.dtype(7));
  }
  Status prepare(PrepareContext& c) override { return conv_.prepare(c); }
  Status run(OpRun& r) const override { return conv_.run(r); }

 private:
  ByteConv conv_;
};

}  // namespace

void op_q_linear_conv(OpTable& t) {
  t.add<QLinearConv>("", "QLinearConv", 10, 8, 9);
  t.add<QLinearConv>("engine", "QLinearConv", 1, 8, 9);
}

}  // namespace engine
