#include "ops/op.h"

namespace engine {
namespace {

class BitwiseNot final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kIntegers));
    c.set(0, c.type(0));
    c.allow_in_place(0, 0);
    return {};
  }

  Status run(OpRun& r) const override {
    const uint8_t* x = r.in<uint8_t>(0);
    uint8_t* y = r.out<uint8_t>(0);
    return r.parallel(r.in(0).bytes(), 0.1, [&](int64_t begin, int64_t end, int) {
      const uint8_t* from = x;
      uint8_t* to = y;
      for (int64_t i = begin; i < end; ++i) to[i] = uint8_t(~from[i]);
    });
  }
};

}  // namespace

void op_bitwise_not(OpTable& t) { t.add<BitwiseNot>("", "BitwiseNot", 18, 1, 1); }

}  // namespace engine
