#include "ops/sequence.h"

namespace engine {
namespace {

class SequenceErase final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(require_sequence(c, 0));
    ENGINE_TRY(require_position(c, 1));
    c.set(0, c.type(0));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(const std::vector<Value>* items, sequence_items(r, 0));
    if (items->empty()) return error(Code::InvalidInput, "the sequence is empty");
    ENGINE_ASSIGN(size_t at, position_at(r, 1, items->size(), items->size() - 1));
    auto parts = std::make_shared<ValueParts>();
    parts->items.reserve(items->size() - 1);
    for (size_t k = 0; k < items->size(); ++k)
      if (k != at) parts->items.push_back((*items)[k]);
    give_sequence(r, 0, std::move(parts));
    return {};
  }
};

}  // namespace

void op_sequence_erase(OpTable& t) { t.add<SequenceErase>("", "SequenceErase", 11, 1, 2); }

}  // namespace engine
