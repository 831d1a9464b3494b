#include "ops/op.h"

namespace engine {
namespace {

class Identity final : public Op {
 public:
  Status infer(InferContext& c) override {
    c.set(0, c.type(0));
    if (c.type(0).is_tensor()) c.set_view(0, 0);
    else c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Value v, r.own(*r.value(0)));
    r.set(0, std::move(v));
    return {};
  }
};

}  // namespace

void op_identity(OpTable& t) {
  for (int since : {1, 13, 14, 16, 19, 21, 23, 24, 25}) t.add<Identity>("", "Identity", since, 1, 1);
}

}  // namespace engine
