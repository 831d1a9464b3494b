#include "ops/elementwise/binary.h"

namespace engine {
namespace {

class Equal final : public ElementwiseBinary {
 public:
  Equal() : ElementwiseBinary(dtypes::kNumeric | dtypes::kBool | dtypes::kString) {}

  Status prepare(PrepareContext& c) override {
    if (c.dtype(0) != DType::String) return ElementwiseBinary::prepare(c);
    plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(1)});
    return {};
  }

  Status run(OpRun& r) const override {
    if (r.in(0).dtype != DType::String) return ElementwiseBinary::run(r);
    const auto *a = r.in<std::string>(0), *b = r.in<std::string>(1);
    bool* y = r.out<bool>(0);
    return r.parallel(plan_.elements, 10, [&](int64_t begin, int64_t end, int) {
      plan_.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
        const std::string *pa = a + from[0], *pb = b + from[1];
        for (int64_t i = 0; i < n; ++i) y[at + i] = pa[plan_.varies[0] ? i : 0] == pb[plan_.varies[1] ? i : 0];
      });
    });
  }

 protected:
  BinaryLoop loop(DType operands) const override { return BinaryLoop(CompareOp::equal, operands); }
  DType result(DType) const override { return DType::Bool; }

 private:
  BroadcastPlan plan_;
};

}  // namespace

void op_equal(OpTable& t) { add_binary<Equal>(t, "Equal", {7, 11, 13, 19}); }

}  // namespace engine
