#include "ops/op.h"

namespace engine {
namespace {

class OptionalGetElement final : public Op {
 public:
  Status infer(InferContext& c) override {
    const TypeInfo& type = c.type(0);
    if (type.kind == TypeKind::Optional) {
      c.set(0, type.element ? *type.element : TypeInfo());
    } else {
      c.set(0, type);
      if (type.is_tensor()) {
        c.set_view(0, 0);
        return {};
      }
    }
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    if (!r.has(0)) return error(Code::InvalidInput, "the optional is empty");
    ENGINE_ASSIGN(Value v, r.own(*r.value(0)));
    r.set(0, std::move(v));
    return {};
  }
};

}  // namespace

void op_optional_get_element(OpTable& t) {
  for (int since : {15, 18, 28}) t.add<OptionalGetElement>("", "OptionalGetElement", since, 1, 1);
}

}  // namespace engine
