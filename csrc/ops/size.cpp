#include "base/checked.h"
#include "ops/op.h"

namespace engine {
namespace {

class Size final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, DType::Int64, Shape{});
    return {};
  }
  Status run(OpRun& r) const override {
    *r.out<int64_t>(0) = r.in(0).elements();
    return {};
  }
};

}  // namespace

void op_size(OpTable& t) {
  for (int since : {1, 13, 19, 21, 23, 24, 25}) t.add<Size>("", "Size", since, 1, 1);
}

}  // namespace engine
