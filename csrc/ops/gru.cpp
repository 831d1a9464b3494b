#include "ops/recurrent/recurrent.h"

namespace engine {
namespace {

// Gates in the order z, r, h.
class Gru final : public Recurrent {
 public:
  Status infer(InferContext& c) override {
    linear_before_reset_ = c.attr_int("linear_before_reset", 0) != 0;
    return infer_recurrent(c, 3, {}, {"Sigmoid", "Tanh"});
  }

 protected:
  bool separate_bias(int gate) const override { return linear_before_reset_ && gate == 2; }

  Status prepare_recurrent(PrepareContext& c) override {
    if (linear_before_reset_) return Recurrent::prepare_recurrent(c);
    ENGINE_TRY(r_.prepare(c, recurrent_source(0, 2 * hidden_), batch_, &shared_));
    return r_hidden_.prepare(c, recurrent_source(2 * hidden_, hidden_), batch_, &shared_);
  }

  // Without linear_before_reset the hidden gate's product is of r * h, which the first product's gates make.
  Status step(OpRun& r, int64_t s) const override {
    const float* bias = floats(r, r_bias_at_);
    if (linear_before_reset_) {
      ENGINE_TRY(multiply_state(r, r_, floats(r, h_at_), 0));
    } else {
      if (s == 0) ENGINE_TRY(r_hidden_.begin(r));
      ENGINE_TRY(multiply_state(r, r_, floats(r, h_at_), 0));
      ENGINE_TRY(for_cells(r, s, double(2 * hidden_), [&](const Cell& one, int64_t, int64_t) {
        gates(one);
        for (int64_t i = 0; i < hidden_; ++i) one.spare[i] = one.gates[hidden_ + i] * one.h[i];
      }));
      ENGINE_TRY(multiply_state(r, r_hidden_, floats(r, spare_at_), 2 * hidden_));
    }
    return for_cells(r, s, double(3 * hidden_), [&](const Cell& one, int64_t time, int64_t row) {
      if (linear_before_reset_) {
        gates(one);
        const float* separate = bias + one.direction * 3 * hidden_ + 2 * hidden_;
        for (int64_t i = 0; i < hidden_; ++i) one.gates[2 * hidden_ + i] = one.gates[hidden_ + i] * (one.gates[2 * hidden_ + i] + separate[i]);
      }
      cell(one);
      store_row(r, time, one.direction, row, one.h);
    });
  }

  void cell(const Cell& one) const override {
    float* hidden = one.gates + 2 * hidden_;
    for (int64_t i = 0; i < hidden_; ++i) hidden[i] += one.input[2 * hidden_ + i];
    clip(hidden, hidden_);
    activations_[size_t(one.direction * 2 + 1)].apply(hidden, hidden_);
    for (int64_t i = 0; i < hidden_; ++i) one.h[i] = (1.0f - one.gates[i]) * hidden[i] + one.gates[i] * one.h[i];
  }

 private:
  // z and r.
  void gates(const Cell& one) const {
    for (int64_t i = 0; i < 2 * hidden_; ++i) one.gates[i] += one.input[i];
    clip(one.gates, 2 * hidden_);
    activations_[size_t(one.direction * 2)].apply(one.gates, 2 * hidden_);
  }

  void clip(float* x, int64_t n) const {
    if (clip_ > 0) unary_kernel(ElementType::f32, UnaryOp::clip)(x, x, size_t(n), {-clip_, clip_});
  }

  bool linear_before_reset_ = false;
  RecurrentWeights r_hidden_;
};

}  // namespace

void op_gru(OpTable& t) {
  for (int since : {1, 3, 7, 14, 22}) t.add<Gru>("", "GRU", since, 3, 6, 0, 2);
}

}  // namespace engine
