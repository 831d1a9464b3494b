#include "ops/control_flow.h"

namespace engine {
namespace {

class If final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kBool));
    if (c.known(0) && c.shape(0).elements() != 1)
      return error(Code::InvalidModel, "the condition has shape %s; one element is allowed", c.shape(0).text().c_str());
    std::vector<TypeInfo> types;
    const Tensor* condition = c.value(0);
    if (condition) {
      ENGINE_ASSIGN(types, c.infer_body(condition->as<uint8_t>()[0] ? "then_branch" : "else_branch", {}));
      ENGINE_TRY(check_count(c, types.size()));
    } else {
      ENGINE_ASSIGN(types, both_branches(c));
    }
    for (size_t o = 0; o < types.size(); ++o) {
      c.set(int(o), types[o]);
      c.set_at_run(int(o));
    }
    return {};
  }

  Status prepare(PrepareContext& c) override {
    then_ = c.body("then_branch");
    else_ = c.body("else_branch");
    size_t captures = size_t(c.node().captures), outputs = size_t(c.output_count());
    ENGINE_TRY(check_body(then_, "then_branch", captures, outputs));
    return check_body(else_, "else_branch", captures, outputs);
  }

  Status run(OpRun& r) const override {
    if (r.in(0).elements() != 1)
      return error(Code::InvalidInput, "the condition has shape %s; one element is allowed", r.in(0).shape.text().c_str());
    Subprogram* branch = r.in<uint8_t>(0)[0] ? then_ : else_;
    std::vector<Value> values(size_t(branch->outputs()));
    ENGINE_TRY(branch->run(r.context(), r.captured(), values));
    for (int o = 0; o < r.output_count(); ++o)
      if (r.wants(o)) r.set(o, std::move(values[size_t(o)]));
    return {};
  }

 private:
  // What holds of the outputs whichever branch is taken. A branch that does not fit these shapes may never be taken: then the
  // other one tells.
  static Result<std::vector<TypeInfo>> both_branches(InferContext& c) {
    ENGINE_ASSIGN(std::vector<TypeInfo> types, branch(c, "then_branch"));
    ENGINE_ASSIGN(std::vector<TypeInfo> other, branch(c, "else_branch"));
    if (types.empty() && other.empty()) return c.infer_body("then_branch", {});
    if (types.empty()) return other;
    if (other.empty()) return types;
    for (size_t o = 0; o < types.size(); ++o) {
      Result<TypeInfo> joined = join_types(types[o], other[o]);
      if (!joined.ok()) return std::move(joined).status().with_context("output " + std::to_string(o));
      types[o] = joined.take();
    }
    return types;
  }

  // The types of the branch's outputs; none when the branch is invalid.
  static Result<std::vector<TypeInfo>> branch(InferContext& c, const char* name) {
    Result<std::vector<TypeInfo>> types = c.infer_body(name, {});
    if (!types.ok()) {
      Status status = std::move(types).status();
      if (status.code() != Code::InvalidModel) return status;
      return std::vector<TypeInfo>();
    }
    ENGINE_TRY(check_count(c, types.value().size()));
    for (const TypeInfo& type : types.value())
      if (type.kind == TypeKind::Unknown) return std::vector<TypeInfo>();
    return types;
  }

  static Status check_count(const InferContext& c, size_t made) {
    if (int(made) == c.output_count()) return {};
    return error(Code::InvalidModel, "a branch has %zu outputs; the node has %d", made, c.output_count());
  }

  Subprogram* then_ = nullptr;
  Subprogram* else_ = nullptr;
};

}  // namespace

void op_if(OpTable& t) {
  for (int since : {1, 11, 13, 16, 19, 21, 23, 24, 25}) t.add<If>("", "If", since, 1, 1, 1, -1);
}

}  // namespace engine
