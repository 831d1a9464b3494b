#include "ops/sequence.h"

namespace engine {
namespace {

class SequenceConstruct final : public Op {
 public:
  Status infer(InferContext& c) override {
    TypeInfo element;
    for (int i = 0; i < c.input_count(); ++i) {
      if (!c.has_input(i)) return error(Code::InvalidModel, "input %d is missing", i);
      if (i > 0 && !same_kind(element, c.type(i)))
        return error(Code::InvalidModel, "inputs 0 and %d are %s and %s, which must be of one type", i, element.text().c_str(),
                     c.type(i).text().c_str());
      element = i == 0 ? c.type(i) : merge_types(element, c.type(i));
    }
    c.set(0, TypeInfo::sequence(element));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    auto parts = std::make_shared<ValueParts>();
    parts->items.reserve(size_t(r.input_count()));
    for (int i = 0; i < r.input_count(); ++i) {
      ENGINE_ASSIGN(Value v, r.own(*r.value(i)));
      parts->items.push_back(std::move(v));
    }
    give_sequence(r, 0, std::move(parts));
    return {};
  }
};

}  // namespace

void op_sequence_construct(OpTable& t) { t.add<SequenceConstruct>("", "SequenceConstruct", 11, 1, -1); }

}  // namespace engine
