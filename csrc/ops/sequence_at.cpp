#include "ops/sequence.h"

namespace engine {
namespace {

class SequenceAt final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(require_sequence(c, 0));
    ENGINE_TRY(require_position(c, 1));
    c.set(0, element_type(c.type(0)));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(const std::vector<Value>* items, sequence_items(r, 0));
    ENGINE_ASSIGN(size_t at, position_at(r, 1, items->size(), 0));
    ENGINE_ASSIGN(Value v, r.own((*items)[at]));
    r.set(0, std::move(v));
    return {};
  }
};

}  // namespace

void op_sequence_at(OpTable& t) { t.add<SequenceAt>("", "SequenceAt", 11, 2, 2); }

}  // namespace engine
