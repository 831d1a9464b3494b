#include "ops/control_flow.h"

namespace engine {
namespace {

class SequenceMap final : public Op {
 public:
  Status infer(InferContext& c) override {
    std::vector<TypeInfo> formal;
    for (int i = 0; i < c.input_count(); ++i) {
      if (!c.has_input(i)) return error(Code::InvalidModel, "input %d is missing", i);
      const TypeInfo& type = c.type(i);
      bool sequence = type.kind == TypeKind::Sequence;
      if (i == 0 && !sequence && type.kind != TypeKind::Unknown)
        return error(Code::InvalidModel, "input 0 is %s; a sequence is expected", type.text().c_str());
      formal.push_back(sequence ? (type.element ? *type.element : TypeInfo()) : type);
    }
    ENGINE_ASSIGN(std::vector<TypeInfo> made, c.infer_body("body", formal));
    if (int(made.size()) != c.output_count())
      return error(Code::InvalidModel, "the body has %zu outputs; the node has %d", made.size(), c.output_count());
    for (int o = 0; o < c.output_count(); ++o) {
      c.set(o, TypeInfo::sequence(made[size_t(o)]));
      c.set_at_run(o);
    }
    return {};
  }

  Status prepare(PrepareContext& c) override {
    body_ = c.body("body");
    return check_body(body_, "body", size_t(c.input_count() + c.node().captures), size_t(c.output_count()));
  }

  Status run(OpRun& r) const override {
    std::vector<const Value*> arguments(r.all_inputs().begin(), r.all_inputs().end());
    if (!r.has(0) || r.value(0)->kind != ValueKind::Sequence) return error(Code::InvalidInput, "input 0 is no sequence");
    size_t length = r.value(0)->parts->items.size();
    ENGINE_TRY(check_lengths(r, length));
    std::vector<std::shared_ptr<ValueParts>> results(size_t(r.output_count()));
    for (auto& parts : results) {
      parts = std::make_shared<ValueParts>();
      parts->items.reserve(length);
    }
    std::vector<Value> made(results.size());
    for (size_t k = 0; k < length; ++k) {
      ENGINE_TRY(r.checkpoint());
      for (int i = 0; i < r.input_count(); ++i)
        if (r.value(i) && r.value(i)->kind == ValueKind::Sequence) arguments[size_t(i)] = &r.value(i)->parts->items[k];
      ENGINE_TRY(body_->run(r.context(), arguments, made));
      for (size_t o = 0; o < made.size(); ++o) results[o]->items.push_back(std::move(made[o]));
    }
    for (int o = 0; o < r.output_count(); ++o) {
      if (!r.wants(o)) continue;
      Value v;
      v.kind = ValueKind::Sequence;
      v.parts = std::move(results[size_t(o)]);
      r.set(o, std::move(v));
    }
    return {};
  }

 private:
  static Status check_lengths(OpRun& r, size_t length) {
    for (int i = 1; i < r.input_count(); ++i) {
      const Value* v = r.value(i);
      if (v && v->kind == ValueKind::Sequence && v->parts->items.size() != length)
        return error(Code::InvalidInput, "input %d is a sequence of %zu; input 0 has %zu", i, v->parts->items.size(), length);
    }
    return {};
  }

  Subprogram* body_ = nullptr;
};

}  // namespace

void op_sequence_map(OpTable& t) { t.add<SequenceMap>("", "SequenceMap", 17, 1, -1, 1, -1); }

}  // namespace engine
