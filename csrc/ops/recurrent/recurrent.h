// What LSTM, GRU and RNN share: attributes, shapes, state and the walk over time.
//
// The products of the whole input with W are made at once. A step then is a few phases, each a product of the state with a
// part of R and a cell function for each row of the batch in each direction. A row whose sequence has ended keeps its
// state; its outputs are 0.
//
// Where a step is short, a direction (or some rows of one) walks through many steps on one thread, side by side with the others;
// where it is long, the threads share every product. Both give the same bits.
#pragma once

#include "kernels/recurrent/recurrent.h"
#include "ops/op.h"
#include "ops/recurrent/gate_activation.h"
#include "ops/recurrent/weights.h"

namespace engine {

class Recurrent : public Op {
 public:
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  // Positions of the inputs after X, W, R; -1: the operator has none.
  struct Inputs {
    int bias = 3, lengths = 4, initial_h = 5, initial_c = -1, peepholes = -1, w_scale = -1, r_scale = -1;
  };
  // One row of the batch in one direction at one step. All of float32.
  struct Cell {
    int64_t direction;
    const float* input;     // [gates * hidden]: X W^T + bias
    const float* separate;  // [gates * hidden]: the biases of R that separate_bias() names, elsewhere unspecified
    float* gates;           // [gates * hidden]: h R^T, to be used up
    float* h;               // [hidden]: the state, to be replaced
    float* c;               // [hidden], LSTM only
    float* spare;           // [hidden], of this row and direction
    const float* peepholes;  // [3 * hidden], LSTM only
  };
  // A part of a step: gates [first, first + count) of the product of h, or of what an earlier phase left in spare.
  struct Phase {
    int first, count;
    bool of_spare;
  };

  // In ONNX's words: gates a cell has, activations a direction has.
  Status infer_recurrent(InferContext& c, int gates, Inputs inputs, std::vector<std::string> activations);
  // Default: one, of all gates.
  virtual std::vector<Phase> phases() const { return {{0, gates_, false}}; }
  // What follows a phase's product; the last phase replaces the state.
  virtual void cell(int phase, const Cell& cell) const = 0;
  // Which bias of R is not added to the input's products but left to the cell (GRU).
  virtual bool separate_bias(int gate) const { return false; }
  // The functions of the direction are these, in order, and there is no clip.
  bool activations_are(int64_t direction, std::initializer_list<UnaryOp> functions) const;
  const GateActivation& activation(const Cell& cell, int i) const { return activations_[size_t(cell.direction * activations_each_ + i)]; }
  void clip(float* x, int64_t n) const;
  int64_t directions() const { return directions_; }

  int gates_ = 1;
  int64_t hidden_ = 0;
  const RecurrentKernels* kernels_ = nullptr;

 private:
  struct Step {
    Phase phase;
    RecurrentWeights weights;
  };
  // Rows [begin, end) of the batch in one direction.
  struct Group {
    int64_t direction, begin, end;
  };

  Status check_shapes(const InferContext& c) const;
  RecurrentWeights::Source source(int position, int scale, int64_t k) const;
  Status prepare_bias(PrepareContext& c);
  void plan_walk(int threads);
  int64_t take(int64_t bytes);

  Status read_lengths(OpRun& r, int64_t* longest) const;
  Status project_input(OpRun& r, int64_t longest) const;
  Status walk(OpRun& r, int64_t longest) const;
  void walk_group(OpRun& r, const Group& group, int64_t from, int64_t to, int worker) const;
  Status step(OpRun& r, int64_t s) const;
  void finish_row(OpRun& r, size_t phase, int64_t s, int64_t direction, int64_t row) const;
  Group group_at(int64_t i) const;
  RecurrentWeights::Operands operands(OpRun& r, const Phase& phase) const;
  Cell cell_at(OpRun& r, int64_t s, int64_t direction, int64_t row) const;
  int64_t time_of(OpRun& r, int64_t s, int64_t direction, int64_t row) const;
  void store_row(OpRun& r, int64_t time, int64_t direction, int64_t row, const float* h) const;
  void load_state(OpRun& r, int position, float* to) const;
  void store_state(OpRun& r, int output, const float* from) const;
  void sum_biases(const Tensor* bias, float* sum) const;
  void clear_ended(OpRun& r, int64_t longest) const;
  const float* bias(OpRun& r) const;
  const int64_t* lengths(OpRun& r) const { return reinterpret_cast<const int64_t*>(r.shared_scratch() + lengths_at_); }
  float* floats(OpRun& r, int64_t at) const { return reinterpret_cast<float*>(r.shared_scratch() + at); }

  Inputs inputs_;
  bool first_reverse_ = false, batch_first_ = false;
  float clip_ = 0;  // 0: none
  std::vector<GateActivation> activations_;
  int activations_each_ = 1;
  DType dtype_ = DType::Float;
  int64_t directions_ = 1, time_ = 0, batch_ = 0, input_ = 0;
  RecurrentWeights w_;
  std::vector<Step> steps_;
  RefPtr<Buffer> constant_bias_;  // sums, then those of R apart
  int64_t group_rows_ = 0, groups_ = 0;  // of a direction; groups_ 0: the threads share every step
  double group_ns_ = 0;                  // a step of a group
  // Places in the shared scratch, in bytes.
  int64_t shared_ = 0, lengths_at_ = 0, x_at_ = -1, bias_at_ = -1, input_at_ = 0, gates_at_ = 0, h_at_ = 0, c_at_ = 0, spare_at_ = 0,
          peepholes_at_ = 0;
};

}  // namespace engine
