// LSTM and com.microsoft.DynamicQuantizeLSTM, whose weights are 8-bit and whose inputs and state are quantised while running.
#include "ops/recurrent/recurrent.h"

namespace engine {
namespace {

// Gates in the order i, o, f, c; peepholes i, o, f.
class Lstm : public Recurrent {
 public:
  Status infer(InferContext& c) override { return infer_lstm(c, {.initial_c = 6, .peepholes = 7}); }

 protected:
  Status infer_lstm(InferContext& c, Inputs inputs) {
    couples_ = c.attr_int("input_forget", 0) != 0;
    has_peepholes_ = c.has_input(inputs.peepholes);
    return infer_recurrent(c, 4, inputs, {"Sigmoid", "Tanh", "Tanh"});
  }

  Status step(OpRun& r, int64_t s) const override {
    ENGINE_TRY(multiply_state(r, r_, floats(r, h_at_), 0));
    return for_cells(r, s, double(6 * hidden_), [&](const Cell& one, int64_t time, int64_t row) {
      if (has_peepholes_) peep_cell(one, floats(r, peepholes_at_) + one.direction * 3 * hidden_);
      else cell(one);
      store_row(r, time, one.direction, row, one.h);
    });
  }

  void cell(const Cell& one) const override {
    int64_t n = hidden_;
    for (int64_t i = 0; i < 4 * n; ++i) one.gates[i] += one.input[i];
    clip(one.gates, 4 * n);
    f(one).apply(one.gates, 3 * n);
    next_state(one);
    output(one);
  }

 private:
  void peep_cell(const Cell& one, const float* peepholes) const {
    int64_t n = hidden_;
    float *in = one.gates, *out = in + n, *forget = in + 2 * n;
    for (int64_t i = 0; i < 4 * n; ++i) one.gates[i] += one.input[i];
    for (int64_t i = 0; i < n; ++i) in[i] += peepholes[i] * one.c[i];
    for (int64_t i = 0; i < n; ++i) forget[i] += peepholes[2 * n + i] * one.c[i];
    clip(in, n);
    clip(forget, 2 * n);
    f(one).apply(in, n);
    f(one).apply(forget, n);
    next_state(one);
    for (int64_t i = 0; i < n; ++i) out[i] += peepholes[n + i] * one.c[i];
    clip(out, n);
    f(one).apply(out, n);
    output(one);
  }

  void next_state(const Cell& one) const {
    int64_t n = hidden_;
    const float *in = one.gates, *forget = in + 2 * n;
    float* fresh = one.gates + 3 * n;
    activations_[size_t(one.direction * 3 + 1)].apply(fresh, n);
    for (int64_t i = 0; i < n; ++i) {
      float keep = couples_ ? 1.0f - in[i] : forget[i];
      one.c[i] = keep * one.c[i] + in[i] * fresh[i];
    }
  }

  void output(const Cell& one) const {
    int64_t n = hidden_;
    for (int64_t i = 0; i < n; ++i) one.spare[i] = one.c[i];
    activations_[size_t(one.direction * 3 + 2)].apply(one.spare, n);
    for (int64_t i = 0; i < n; ++i) one.h[i] = one.gates[n + i] * one.spare[i];
  }

  const GateActivation& f(const Cell& one) const { return activations_[size_t(one.direction * 3)]; }

  void clip(float* x, int64_t n) const {
    if (clip_ > 0) unary_kernel(ElementType::f32, UnaryOp::clip)(x, x, size_t(n), {-clip_, clip_});
  }

  bool couples_ = false, has_peepholes_ = false;
};

class DynamicQuantizeLstm final : public Lstm {
 public:
  Status infer(InferContext& c) override {
    for (int i : {8, 10}) ENGINE_TRY(c.require(i, dtypes::kFloat32));
    for (int i : {9, 11})
      if (c.has_input(i)) ENGINE_TRY(c.require_same(i, i == 9 ? 1 : 2));
    return infer_lstm(c, {.initial_c = 6, .peepholes = 7, .w_scale = 8, .r_scale = 10});
  }
};

}  // namespace

void op_lstm(OpTable& t) {
  for (int since : {1, 7, 14, 22}) t.add<Lstm>("", "LSTM", since, 3, 8, 0, 3);
  t.add<DynamicQuantizeLstm>("com.microsoft", "DynamicQuantizeLSTM", 1, 3, 12, 0, 3);
}

}  // namespace engine
