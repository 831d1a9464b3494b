#include "ops/elementwise/binary.h"

namespace engine {
namespace {

class Mod final : public ElementwiseBinary {
 public:
  Mod() : ElementwiseBinary(dtypes::kNumeric) {}

 protected:
  Status read_attributes(InferContext& c) override {
    int64_t fmod = c.attr_int("fmod", 0);
    if (fmod != 0 && fmod != 1) return error(Code::InvalidModel, "fmod is %lld; 0 and 1 are allowed", (long long)fmod);
    op_ = fmod ? BinaryOp::fmod : BinaryOp::mod;
    return {};
  }
  BinaryLoop loop(DType operands) const override { return BinaryLoop(op_, operands); }
  Status check(OpRun& r) const override { return refuse_zero_divisor(r, 1); }

 private:
  BinaryOp op_ = BinaryOp::mod;
};

}  // namespace

void op_mod(OpTable& t) { add_binary<Mod>(t, "Mod", {10, 13, 28}); }

}  // namespace engine
