// Losses of class scores [N, C, d...] against labels [N, d...].
#pragma once

#include "ops/op.h"
#include "ops/reduce/reduction.h"

namespace engine {

// A label's loss is -weight[label] * score (log_softmax of the scores first when kNormalises); mean divides by the sum of the weights.
// Sums are taken in float64. A label outside [0, C) that is not ignore_index is an error.
class ClassLoss : public Op {
 public:
  explicit ClassLoss(bool normalises) : normalises_(normalises) {}
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  Status check_shapes(InferContext& c);
  bool label_loss(OpRun& r, int64_t i, int worker, double* loss, double* weight) const;
  Status reduce(OpRun& r, double* losses, double* weights, char* scratch) const;

  bool normalises_;
  enum { None, Sum, Mean } reduction_ = Mean;
  bool has_ignored_ = false;
  int64_t ignored_ = 0;
  int64_t batch_ = 0, classes_ = 0, inner_ = 0;
  ReductionPlan sum_;
};

template <bool kNormalises>
class ClassLossOf final : public ClassLoss {
 public:
  ClassLossOf() : ClassLoss(kNormalises) {}
};

}  // namespace engine
