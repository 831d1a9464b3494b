#include "ops/elementwise/binary.h"

namespace engine {
namespace {

class BitShift final : public ElementwiseBinary {
 public:
  BitShift() : ElementwiseBinary(dtypes::kIntegers) {}

 protected:
  Status read_attributes(InferContext& c) override {
    std::string direction = c.attr_string("direction", "");
    if (direction != "LEFT" && direction != "RIGHT")
      return error(Code::InvalidModel, "direction is '%s'; LEFT and RIGHT are allowed", direction.c_str());
    op_ = direction == "LEFT" ? BinaryOp::shift_left : BinaryOp::shift_right;
    return {};
  }
  BinaryLoop loop(DType operands) const override { return BinaryLoop(op_, operands); }

 private:
  BinaryOp op_ = BinaryOp::shift_left;
};

}  // namespace

void op_bit_shift(OpTable& t) { add_binary<BitShift>(t, "BitShift", {11, 28}); }

}  // namespace engine
