#include "ops/elementwise/binary.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats | dtype_set(DType::Int32, DType::Int64, DType::Uint32, DType::Uint64);

class PRelu final : public ElementwiseBinary {
 public:
  PRelu() : ElementwiseBinary(kTypes) {}

  Status infer(InferContext& c) override {
    ENGINE_TRY(ElementwiseBinary::infer(c));
    if (!c.known(0) || !c.known(1) || c.outputs[0].type.shape == c.shape(0)) return {};
    return error(Code::InvalidModel, "slope of shape %s does not broadcast to %s", c.shape(1).text().c_str(),
                 c.shape(0).text().c_str());
  }

 protected:
  BinaryLoop loop(DType operands) const override { return BinaryLoop(BinaryOp::prelu, operands); }
};

}  // namespace

void op_p_relu(OpTable& t) { add_binary<PRelu>(t, "PRelu", {7, 9, 16}); }

}  // namespace engine
