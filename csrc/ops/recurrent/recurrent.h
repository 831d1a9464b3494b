// What LSTM, GRU and RNN share: attributes, shapes, state and the walk over time.
//
// The products of the whole input with W are made at once; then, step by step, the state's products with R and a cell
// function for each row of the batch in each direction. A row whose sequence has ended keeps its state; its outputs are 0.
#pragma once

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
    const float* input;  // [gates * hidden]: X W^T + bias
    float* gates;        // [gates * hidden]: h R^T, to be used up
    float* h;            // [hidden]: the state, to be replaced
    float* c;            // [hidden], LSTM only
    float* spare;        // [hidden], of this row and direction
  };

  // In ONNX's words: gates a cell has, activations a direction has.
  Status infer_recurrent(InferContext& c, int gates, Inputs inputs, std::vector<std::string> activations);
  // Adds the recurrent products that a step begins with. Default: all gates at once.
  virtual Status prepare_recurrent(PrepareContext& c);
  // One step for all directions and rows. Default: the products, then cell() for each row.
  virtual Status step(OpRun& r, int64_t s) const;
  virtual void cell(const Cell& cell) const = 0;
  // Which bias of R is not added to the input's products but left to the cell (GRU).
  virtual bool separate_bias(int gate) const { return false; }

  Status multiply_state(OpRun& r, const RecurrentWeights& weights, const float* a, int64_t offset) const;
  // Calls fn(Cell) for every row and direction that is still active at step s.
  template <class Fn>
  Status for_cells(OpRun& r, int64_t s, double ns, Fn&& fn) const {
    return r.parallel(directions_ * batch_, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        if (s < lengths(r)[i % batch_]) fn(cell_at(r, s, i / batch_, i % batch_), time_of(r, s, i / batch_, i % batch_), i % batch_);
    });
  }
  Cell cell_at(OpRun& r, int64_t s, int64_t direction, int64_t row) const;
  int64_t time_of(OpRun& r, int64_t s, int64_t direction, int64_t row) const;
  void store_row(OpRun& r, int64_t time, int64_t direction, int64_t row, const float* h) const;
  const int64_t* lengths(OpRun& r) const { return reinterpret_cast<const int64_t*>(r.shared_scratch() + lengths_at_); }
  float* floats(OpRun& r, int64_t at) const { return reinterpret_cast<float*>(r.shared_scratch() + at); }
  RecurrentWeights::Source recurrent_source(int64_t begin, int64_t n) const;
  int64_t take(int64_t bytes);

  int gates_ = 1;
  Inputs inputs_;
  bool first_reverse_ = false, batch_first_ = false;
  float clip_ = 0;  // 0: none
  std::vector<GateActivation> activations_;
  int activations_each_ = 1;
  DType dtype_ = DType::Float;
  int64_t directions_ = 1, time_ = 0, batch_ = 0, input_ = 0, hidden_ = 0;
  RecurrentWeights w_, r_;
  // Places in the shared scratch, in bytes.
  int64_t shared_ = 0, lengths_at_ = 0, x_at_ = -1, bias_at_ = 0, r_bias_at_ = 0, input_at_ = 0, gates_at_ = 0, h_at_ = 0, c_at_ = 0,
          spare_at_ = 0, peepholes_at_ = 0;

 private:
  Status check_shapes(const InferContext& c) const;
  Status read_lengths(OpRun& r, int64_t* longest) const;
  void load(OpRun& r, int position, int64_t count, float* to) const;
  void load_state(OpRun& r, int position, float* to) const;
  void store_state(OpRun& r, int output, const float* from) const;
  void sum_biases(OpRun& r) const;
  void clear_ended(OpRun& r) const;
};

}  // namespace engine
