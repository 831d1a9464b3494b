#include "ops/training/optimizer.h"

namespace engine {
namespace {

class Momentum final : public Optimizer {
 public:
  Momentum() : Optimizer(1) {}

 private:
  Status read(InferContext& c) override {
    for (const char* name : {"alpha", "beta", "norm_coefficient", "mode"})
      if (!c.has(name)) return error(Code::InvalidModel, "attribute %s is missing", name);
    std::string mode = c.attr_string("mode", "");
    if (mode != "standard" && mode != "nesterov")
      return error(Code::InvalidModel, "mode is '%s'; standard and nesterov are allowed", mode.c_str());
    nesterov_ = mode == "nesterov";
    alpha_ = double(c.attr_float("alpha", 0));
    beta_ = double(c.attr_float("beta", 0));
    norm_ = double(c.attr_float("norm_coefficient", 0));
    return {};
  }
  void update(const Step& step, double g, double* x, double* v) const override {
    g += norm_ * *x;
    *v = alpha_ * *v + (step.count > 0 ? beta_ : 1) * g;
    *x -= step.rate * (nesterov_ ? g + alpha_ * *v : *v);
  }
  bool nesterov_ = false;
  double alpha_ = 0, beta_ = 0, norm_ = 0;
};

}  // namespace

void op_momentum(OpTable& t) { t.add<Momentum>("ai.onnx.preview.training", "Momentum", 1, 5, -1, 1, -1); }

}  // namespace engine
