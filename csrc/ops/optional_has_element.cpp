#include "ops/op.h"

namespace engine {
namespace {

class OptionalHasElement final : public Op {
 public:
  Status infer(InferContext& c) override {
    c.set(0, DType::Bool, Shape{});
    return {};
  }

  Status run(OpRun& r) const override {
    r.out<bool>(0)[0] = r.has(0);
    return {};
  }
};

}  // namespace

void op_optional_has_element(OpTable& t) {
  t.add<OptionalHasElement>("", "OptionalHasElement", 15, 1, 1);
  for (int since : {18, 28}) t.add<OptionalHasElement>("", "OptionalHasElement", since, 0, 1);
}

}  // namespace engine
