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
  // Output elements [begin, end) in the output's memory, every operand in the kernels' own type.
  void direct(OpRun& r, int64_t begin, int64_t end) const;
  // The same in float32, at most kConvertBlock elements.
  void converted(OpRun& r, int64_t begin, int64_t end) const;
  // y / number of inputs, in place.
  void divide(void* y, int64_t n) const;

  BinaryOp op_;
  DTypeSet allowed_;
  bool mean_;
  DType computed_ = DType::Float;
  BinaryFn combine_[kBroadcasts] = {}, divide_ = nullptr;
  BinaryLoop first_;           // of inputs 0 and 1
  BroadcastPlan first_plan_;
  Converter load_, store_;
  std::vector<BroadcastPlan> plans_;  // of each input
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
