#include "ops/sequence.h"

namespace engine {
namespace {

class SequenceLength final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(require_sequence(c, 0));
    c.set(0, DType::Int64, Shape{});
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(const std::vector<Value>* items, sequence_items(r, 0));
    r.out<int64_t>(0)[0] = int64_t(items->size());
    return {};
  }
};

}  // namespace

void op_sequence_length(OpTable& t) { t.add<SequenceLength>("", "SequenceLength", 11, 1, 1); }

}  // namespace engine
