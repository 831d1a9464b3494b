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
    ENGINE_TRY(infer_recurrent(c, 4, inputs, {"Sigmoid", "Tanh", "Tanh"}));
    usual_ = !couples_ && !has_peepholes_;
    for (int64_t d = 0; d < directions(); ++d) usual_ &= activations_are(d, {UnaryOp::sigmoid, UnaryOp::tanh, UnaryOp::tanh});
    return {};
  }

  void cell(int, const Cell& one) const override {
    if (usual_) return kernels_->lstm(one.input, one.gates, size_t(hidden_), one.c, one.h);
    int64_t n = hidden_;
    float *in = one.gates, *out = in + n, *forget = in + 2 * n;
    for (int64_t i = 0; i < 4 * n; ++i) one.gates[i] += one.input[i];
    if (has_peepholes_) peep(one.peepholes, one.c, in), peep(one.peepholes + 2 * n, one.c, forget);
    for (float* gate : {in, forget}) {
      clip(gate, n);
      activation(one, 0).apply(gate, n);
    }
    next_state(one);
    if (has_peepholes_) peep(one.peepholes + n, one.c, out);
    clip(out, n);
    activation(one, 0).apply(out, n);
    output(one);
  }

 private:
  void peep(const float* peepholes, const float* c, float* gate) const {
    for (int64_t i = 0; i < hidden_; ++i) gate[i] += peepholes[i] * c[i];
  }

  void next_state(const Cell& one) const {
    int64_t n = hidden_;
    const float *in = one.gates, *forget = in + 2 * n;
    float* fresh = one.gates + 3 * n;
    clip(fresh, n);
    activation(one, 1).apply(fresh, n);
    for (int64_t i = 0; i < n; ++i) {
      float keep = couples_ ? 1.0f - in[i] : forget[i];
      one.c[i] = keep * one.c[i] + in[i] * fresh[i];
    }
  }

  void output(const Cell& one) const {
    int64_t n = hidden_;
    for (int64_t i = 0; i < n; ++i) one.spare[i] = one.c[i];
    activation(one, 2).apply(one.spare, n);
    for (int64_t i = 0; i < n; ++i) one.h[i] = one.gates[n + i] * one.spare[i];
  }

  bool couples_ = false, has_peepholes_ = false, usual_ = false;
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
