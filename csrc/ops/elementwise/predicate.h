// Operators that ask of each float whether it is special: bool y[i] = f(x[i]).
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/convert.h"
#include "ops/op.h"

namespace engine {

inline constexpr DTypeSet kPredicateTypes =
    dtypes::kFloats | dtypes::kFloat8 | dtype_set(DType::Float4E2M1, DType::Float6E2M3, DType::Float6E3M2);

class ElementwisePredicate : public Op {
 public:
  Status infer(InferContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  // Attributes: the question, or `never_` when it is true of no number.
  virtual Status read_attributes(InferContext&) { return {}; }

  PredicateOp op_ = PredicateOp::is_nan;
  bool never_ = false;

 private:
  void run_range(const Tensor& x, uint8_t* y, int64_t begin, int64_t end) const;
};

}  // namespace engine
