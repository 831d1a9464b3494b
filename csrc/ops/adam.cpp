#include <cmath>

#include "ops/training/optimizer.h"

namespace engine {
namespace {

class Adam final : public Optimizer {
 public:
  Adam() : Optimizer(2) {}

 private:
  Status read(InferContext& c) override {
    alpha_ = double(c.attr_float("alpha", 0.9f));
    beta_ = double(c.attr_float("beta", 0.999f));
    epsilon_ = double(c.attr_float("epsilon", 1e-6f));
    norm_ = double(c.attr_float("norm_coefficient", 0));
    norm_post_ = double(c.attr_float("norm_coefficient_post", 0));
    return {};
  }
  void update(const Step& step, double g, double* x, double* state) const override {
    g += norm_ * *x;
    state[0] = alpha_ * state[0] + (1 - alpha_) * g;
    state[1] = beta_ * state[1] + (1 - beta_) * g * g;
    double rate = step.rate, count = double(step.count);
    if (step.count > 0) rate *= std::sqrt(1 - std::pow(beta_, count)) / (1 - std::pow(alpha_, count));
    *x = (1 - norm_post_) * (*x - rate * state[0] / (std::sqrt(state[1]) + epsilon_));
  }
  double alpha_ = 0.9, beta_ = 0.999, epsilon_ = 1e-6, norm_ = 0, norm_post_ = 0;
};

}  // namespace

void op_adam(OpTable& t) { t.add<Adam>("ai.onnx.preview.training", "Adam", 1, 6, -1, 1, -1); }

}  // namespace engine
