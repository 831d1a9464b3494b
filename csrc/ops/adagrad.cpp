#include <cmath>

#include "ops/training/optimizer.h"

namespace engine {
namespace {

class Adagrad final : public Optimizer {
 public:
  Adagrad() : Optimizer(1) {}

 private:
  Status read(InferContext& c) override {
    norm_ = double(c.attr_float("norm_coefficient", 0));
    decay_ = double(c.attr_float("decay_factor", 0));
    epsilon_ = double(c.attr_float("epsilon", 1e-6f));
    return {};
  }
  void update(const Step& step, double g, double* x, double* h) const override {
    g += norm_ * *x;
    *h += g * g;
    *x -= step.rate / (1 + double(step.count) * decay_) * g / (std::sqrt(*h) + epsilon_);
  }
  double norm_ = 0, decay_ = 0, epsilon_ = 1e-6;
};

}  // namespace

void op_adagrad(OpTable& t) { t.add<Adagrad>("ai.onnx.preview.training", "Adagrad", 1, 5, -1, 1, -1); }

}  // namespace engine
