#include "ops/op.h"

namespace engine {
namespace {

class Optional final : public Op {
 public:
  Status infer(InferContext& c) override {
    const TypeInfo* declared = c.attr_type("type");
    if (!c.has_input(0) && !declared) return error(Code::InvalidModel, "an empty optional needs the attribute type");
    c.set(0, TypeInfo::optional(c.has_input(0) ? c.type(0) : *declared));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    Value v;
    if (r.has(0)) {
      ENGINE_ASSIGN(v, r.own(*r.value(0)));
    }
    r.set(0, std::move(v));
    return {};
  }
};

}  // namespace

void op_optional(OpTable& t) {
  for (int since : {15, 28}) t.add<Optional>("", "Optional", since, 0, 1);
}

}  // namespace engine
