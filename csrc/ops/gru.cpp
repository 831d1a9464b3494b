#include "ops/recurrent/recurrent.h"

namespace engine {
namespace {

// Gates in the order z, r, h. Without linear_before_reset the hidden gate's product is of r * h, which needs the others first.
class Gru final : public Recurrent {
 public:
  Status infer(InferContext& c) override {
    linear_before_reset_ = c.attr_int("linear_before_reset", 0) != 0;
    ENGINE_TRY(infer_recurrent(c, 3, {}, {"Sigmoid", "Tanh"}));
    usual_ = true;
    for (int64_t d = 0; d < directions(); ++d) usual_ &= activations_are(d, {UnaryOp::sigmoid, UnaryOp::tanh});
    return {};
  }

 protected:
  bool separate_bias(int gate) const override { return linear_before_reset_ && gate == 2; }

  std::vector<Phase> phases() const override {
    if (linear_before_reset_) return Recurrent::phases();
    return {{0, 2, false}, {2, 1, true}};
  }

  void cell(int phase, const Cell& one) const override {
    if (usual_) return usual_cell(phase, one);
    if (phase == 0) gates(one);
    if (linear_before_reset_ || phase == 1) next_state(one);
  }

 private:
  void usual_cell(int phase, const Cell& one) const {
    size_t n = size_t(hidden_);
    if (linear_before_reset_) kernels_->gru(one.input, one.gates, one.separate + 2 * n, n, one.h);
    else if (phase == 0) kernels_->gru_gates(one.input, one.gates, n, one.h, one.spare);
    else kernels_->gru_finish(one.input, one.gates, n, one.h);
  }

  // z and r, and what r does.
  void gates(const Cell& one) const {
    int64_t n = hidden_;
    float *reset = one.gates + n, *fresh = one.gates + 2 * n;
    for (int64_t i = 0; i < 2 * n; ++i) one.gates[i] += one.input[i];
    clip(one.gates, 2 * n);
    activation(one, 0).apply(one.gates, 2 * n);
    if (linear_before_reset_)
      for (int64_t i = 0; i < n; ++i) fresh[i] = reset[i] * (fresh[i] + one.separate[2 * n + i]);
    else
      for (int64_t i = 0; i < n; ++i) one.spare[i] = reset[i] * one.h[i];
  }

  void next_state(const Cell& one) const {
    float* fresh = one.gates + 2 * hidden_;
    for (int64_t i = 0; i < hidden_; ++i) fresh[i] += one.input[2 * hidden_ + i];
    clip(fresh, hidden_);
    activation(one, 1).apply(fresh, hidden_);
    for (int64_t i = 0; i < hidden_; ++i) one.h[i] = (1.0f - one.gates[i]) * fresh[i] + one.gates[i] * one.h[i];
  }

  bool linear_before_reset_ = false, usual_ = false;
};

}  // namespace

void op_gru(OpTable& t) {
  for (int since : {1, 3, 7, 14, 22}) t.add<Gru>("", "GRU", since, 3, 6, 0, 2);
}

}  // namespace engine
