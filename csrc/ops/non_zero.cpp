#include "ops/op.h"

namespace engine {
namespace {

class NonZero final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric | dtypes::kBool));
    c.set(0, DType::Int64);
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    int64_t n = x.elements(), count = 0;
    for (int64_t i = 0; i < n; ++i) count += number_at(x, i) != 0;
    ENGINE_TRY(r.allocate(0, DType::Int64, {x.shape.rank(), count}));
    int64_t strides[kMaxRank], at = 0;
    contiguous_strides(x.shape, strides);
    for (int64_t i = 0; i < n; ++i) {
      if (number_at(x, i) == 0) continue;
      for (int d = 0; d < x.shape.rank(); ++d) r.out<int64_t>(0)[d * count + at] = i / strides[d] % x.shape[d];
      ++at;
    }
    return {};
  }
};

}  // namespace

void op_non_zero(OpTable& t) {
  for (int since : {9, 13}) t.add<NonZero>("", "NonZero", since, 1, 1);
}

}  // namespace engine
