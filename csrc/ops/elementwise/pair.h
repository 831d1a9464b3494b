// Two element-wise steps in one: a function of a broadcast sum or product, or a product with a function of the first input.
#pragma once

#include "ops/elementwise/binary.h"

namespace engine {

enum class PairOrder : uint8_t {
  UnaryFirst,   // binary(unary(a), b)
  BinaryFirst,  // unary(binary(a, b))
};

// float16 and bfloat16 are computed in float32, rounded once.
class ElementwisePair : public Op {
 public:
  ElementwisePair(PairOrder order, UnaryOp unary, BinaryOp binary) : order_(order), unary_(unary), binary_(binary) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  // Attributes into params_, and what the inputs' shapes must fulfil besides broadcasting.
  virtual Status read_attributes(InferContext&) { return {}; }

  UnaryParams params_;

 private:
  void run_elements(const char* a, const char* b, char* y, int64_t n, Broadcast form) const;

  PairOrder order_;
  UnaryOp unary_;
  BinaryOp binary_;
  DType dtype_ = DType::Float;
  UnaryFn function_ = nullptr;
  BinaryFn combine_[kBroadcasts] = {};
  Converter load_, store_;
  BroadcastPlan plan_;
};

}  // namespace engine
