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

  // Up to kStrip neighbouring columns of one outer index; bytes.
  static constexpr int64_t kStrip = 512;
  struct Strip {
    const char* x;
    char* y;
    int64_t step, width, size;  // from plane to plane in order of accumulation; elements; of an element
    int64_t plane(int64_t k) const { return k * step; }
  };
  void planes(const Strip& strip, int64_t begin, int64_t end) const;
  void converted_planes(const Strip& strip, int64_t begin, int64_t end, float* total) const;

  BinaryOp op_;
  bool exclusive_ = false, reverse_ = false;
  DType computed_ = DType::Float;
  Converter load_, store_;
  BinaryFn combine_ = nullptr;
  alignas(8) char unit_[8] = {};  // 0 or 1 in the input's dtype
};

template <BinaryOp kOp>
class CumulativeOf final : public Cumulative {
 public:
  CumulativeOf() : Cumulative(kOp) {}
};

}  // namespace engine
