// Operators over any number of broadcast inputs: y = x0 op x1 op ... from left to right.
#pragma once

#include <vector>

#include "ops/elementwise/binary.h"

namespace engine {

class ElementwiseNary : public Op {
 public:
  // mean: the result is divided by the number of inputs. float16 and bfloat16 are accumulated in float32.
  ElementwiseNary(BinaryOp op, DTypeSet allowed, bool mean) : op_(op), allowed_(allowed), mean_(mean) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  void block(OpRun& r, int64_t begin, int64_t end, char* sum, char* term) const;

  BinaryOp op_;
  DTypeSet allowed_;
  bool mean_;
  DType computed_ = DType::Float;
  BinaryFn combine_ = nullptr, divide_ = nullptr;
  Converter load_, store_;
  std::vector<BroadcastPlan> plans_;
};

template <BinaryOp kOp, DTypeSet kAllowed, bool kMean = false>
void add_nary(OpTable& table, const char* name, std::initializer_list<int> versions) {
  class Nary final : public ElementwiseNary {
   public:
    Nary() : ElementwiseNary(kOp, kAllowed, kMean) {}
  };
  for (int since : versions) table.add<Nary>("", name, since, 1, -1);
}

}  // namespace engine
