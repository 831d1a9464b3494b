// Optimizer steps of ai.onnx.preview.training: inputs R (rate), T (count of updates), then n tensors of each of: the parameters X, the
// gradients G and the states; outputs the new parameters, then the new states.
#pragma once

#include "ops/op.h"

namespace engine {

class Optimizer : public Op {
 public:
  // states: tensors of state a parameter has (1 or 2).
  explicit Optimizer(int states) : states_(states) {}
  Status infer(InferContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  struct Step {
    double rate;
    int64_t count;
  };
  // One element: x and state become new ones. Computed in float64.
  virtual void update(const Step& step, double g, double* x, double* state) const = 0;
  virtual Status read(InferContext& c) = 0;

 private:
  template <class T>
  Status update_tensor(OpRun& r, int64_t k, int64_t n, const Step& step) const;

  int states_;
};

}  // namespace engine
