#include "ops/sequence.h"

namespace engine {
namespace {

class SequenceEmpty final : public Op {
 public:
  Status infer(InferContext& c) override {
    int64_t number = c.attr_int("dtype", 1);
    DType dtype = dtype_from_onnx(number);
    if (dtype == DType::Undefined) return error(Code::InvalidModel, "dtype %lld does not exist", (long long)number);
    c.set(0, TypeInfo::sequence(TypeInfo::tensor(dtype)));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    give_sequence(r, 0, std::make_shared<ValueParts>());
    return {};
  }
};

}  // namespace

void op_sequence_empty(OpTable& t) { t.add<SequenceEmpty>("", "SequenceEmpty", 11, 0, 0); }

}  // namespace engine
