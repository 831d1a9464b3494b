#include "ops/sequence.h"

namespace engine {
namespace {

class SequenceInsert final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(require_sequence(c, 0));
    ENGINE_TRY(require_position(c, 2));
    TypeInfo element = element_type(c.type(0));
    if (element.kind == TypeKind::Unknown) element = c.type(1);
    else if (c.type(1).kind != TypeKind::Unknown && !same_kind(element, c.type(1)))
      return error(Code::InvalidModel, "a %s goes into a sequence of %s", c.type(1).text().c_str(), element.text().c_str());
    else element = merge_types(element, c.type(1));
    c.set(0, TypeInfo::sequence(element));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(const std::vector<Value>* items, sequence_items(r, 0));
    size_t n = items->size(), at = n;
    if (r.has(2)) {
      ENGINE_ASSIGN(at, insert_position(r.in(2), int64_t(n)));
    }
    auto parts = std::make_shared<ValueParts>();
    parts->items.reserve(n + 1);
    parts->items.insert(parts->items.end(), items->begin(), items->begin() + int64_t(at));
    ENGINE_ASSIGN(Value v, r.own(*r.value(1)));
    parts->items.push_back(std::move(v));
    parts->items.insert(parts->items.end(), items->begin() + int64_t(at), items->end());
    give_sequence(r, 0, std::move(parts));
    return {};
  }

 private:
  static Result<size_t> insert_position(const Tensor& position, int64_t n) {
    if (position.elements() != 1) return error(Code::InvalidInput, "the position has shape %s", position.shape.text().c_str());
    int64_t given = integer_at(position, 0), at = given < 0 ? given + n : given;
    if (at < 0 || at > n)
      return error(Code::InvalidInput, "position %lld is out of range; %lld to %lld are allowed", (long long)given, -(long long)n, (long long)n);
    return size_t(at);
  }
};

}  // namespace

void op_sequence_insert(OpTable& t) { t.add<SequenceInsert>("", "SequenceInsert", 11, 2, 3); }

}  // namespace engine
