// Running sums and products along an axis: CumSum and CumProd.
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/convert.h"
#include "ops/op.h"

namespace engine {

class Cumulative : public Op {
 public:
  explicit Cumulative(BinaryOp op) : op_(op) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  Result<int> axis(OpRun& r) const;
  Status over_rows(OpRun& r, int64_t outer, int64_t length) const;
  Status over_planes(OpRun& r, int64_t outer, int64_t length, int64_t inner) const;

  BinaryOp op_;
  bool exclusive_ = false, reverse_ = false;
  DType computed_ = DType::Float;
  Converter load_, store_;
  BinaryFn combine_ = nullptr;
};

template <BinaryOp kOp>
class CumulativeOf final : public Cumulative {
 public:
  CumulativeOf() : Cumulative(kOp) {}
};

}  // namespace engine
