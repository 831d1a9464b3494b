#include "ops/conv/byte_conv.h"

namespace engine {
namespace {

// engine.QLinearConv has besides the attributes low and high, the range of the result, and channels_last; its bias may be
// float32, and there may be a table and a residual (ops/conv/byte_conv.h).
class QLinearConv final : public Op {
 public:
  Status infer(InferContext& c) override {
    conv_.inputs = {.x = 0, .x_scale = 1, .x_zero = 2, .w = 3, .w_scale = 4, .w_zero = 5, .y_scale = 6, .y_zero = 7, .bias = 8};
    ENGINE_TRY(c.require(7, dtype_set(DType::Uint8, DType::Int8)));
    if (c.node().domain == "engine") {
      conv_.inputs.table = 9, conv_.inputs.r = 10, conv_.inputs.r_scale = 11, conv_.inputs.r_zero = 12;
      conv_.inputs.z_scale = 13, conv_.inputs.z_zero = 14;
      conv_.low = int32_t(c.attr_int("low", 0)), conv_.high = int32_t(c.attr_int("high", 0));
      conv_.channels_last = c.attr_int("channels_last", 0) != 0;
    } else if (c.has_input(8)) {
      ENGINE_TRY(c.require(8, dtype_set(DType::Int32)));
    }
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
  t.add<QLinearConv>("engine", "QLinearConv", 1, 8, 15);
}

}  // namespace engine
