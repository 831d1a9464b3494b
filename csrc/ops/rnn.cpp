#include "ops/recurrent/recurrent.h"

namespace engine {
namespace {

class Rnn final : public Recurrent {
 public:
  Status infer(InferContext& c) override { return infer_recurrent(c, 1, {}, {"Tanh"}); }

 protected:
  void cell(int, const Cell& one) const override {
    for (int64_t i = 0; i < hidden_; ++i) one.h[i] = one.input[i] + one.gates[i];
    clip(one.h, hidden_);
    activation(one, 0).apply(one.h, hidden_);
  }
};

}  // namespace

void op_rnn(OpTable& t) {
  for (int since : {1, 7, 14, 22}) t.add<Rnn>("", "RNN", since, 3, 6, 0, 2);
}

}  // namespace engine
