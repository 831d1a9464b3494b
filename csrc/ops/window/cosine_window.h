// Windows that are sums of cosines: y[i] = a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n).
#pragma once

#include "ops/op.h"

namespace engine {

class CosineWindow : public Op {
 public:
  CosineWindow(double a0, double a1, double a2) : a0_(a0), a1_(a1), a2_(a2) {}

  Status infer(InferContext& c) override;
  Status run(OpRun& r) const override;

 private:
  double a0_, a1_, a2_;
  bool periodic_ = true;
};

}  // namespace engine
