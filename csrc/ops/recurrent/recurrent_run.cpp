#include <algorithm>
#include <cstring>

#include "ops/float_storage.h"
#include "ops/product/product.h"
#include "ops/recurrent/recurrent.h"

namespace engine {

Status Recurrent::read_lengths(OpRun& r, int64_t* longest) const {
  int64_t* to = reinterpret_cast<int64_t*>(r.shared_scratch() + lengths_at_);
  *longest = 0;
  for (int64_t b = 0; b < batch_; ++b) {
    to[b] = r.has(inputs_.lengths) ? integer_at(r.in(inputs_.lengths), b) : time_;
    if (to[b] < 0 || to[b] > time_)
      return error(Code::InvalidModel, "sequence length %lld is out of range; there are %lld steps", (long long)to[b], (long long)time_);
    *longest = std::max(*longest, to[b]);
  }
  return {};
}

// States are [directions][batch][hidden] here, whatever the layout.
void Recurrent::load_state(OpRun& r, int position, float* to) const {
  if (position < 0 || !r.has(position)) {
    std::memset(to, 0, size_t(directions_ * batch_ * hidden_) * sizeof(float));
    return;
  }
  if (!batch_first_) return load_floats(r.in(position), 0, directions_ * batch_ * hidden_, to);
  for (int64_t d = 0; d < directions_; ++d)
    for (int64_t b = 0; b < batch_; ++b)
      load_floats(r.in(position), (b * directions_ + d) * hidden_, hidden_, to + (d * batch_ + b) * hidden_);
}

void Recurrent::store_state(OpRun& r, int output, const float* from) const {
  if (!r.wants(output)) return;
  for (int64_t d = 0; d < directions_; ++d)
    for (int64_t b = 0; b < batch_; ++b) {
      int64_t at = (batch_first_ ? b * directions_ + d : d * batch_ + b) * hidden_;
      store_floats(from + (d * batch_ + b) * hidden_, hidden_, r.out(output), at);
    }
}

void Recurrent::store_row(OpRun& r, int64_t time, int64_t direction, int64_t row, const float* h) const {
  if (!r.wants(0)) return;
  int64_t at = batch_first_ ? (row * time_ + time) * directions_ + direction : (time * directions_ + direction) * batch_ + row;
  store_floats(h, hidden_, r.out(0), at * hidden_);
}

void Recurrent::sum_biases(const Tensor* bias, float* sum) const {
  int64_t all = gates_ * hidden_;
  float* apart = sum + directions_ * all;
  if (!bias) {
    std::memset(sum, 0, size_t(2 * directions_ * all) * sizeof(float));
    return;
  }
  for (int64_t d = 0; d < directions_; ++d) {
    load_floats(*bias, 2 * d * all, all, sum + d * all);
    load_floats(*bias, (2 * d + 1) * all, all, apart + d * all);
    for (int gate = 0; gate < gates_; ++gate)
      if (!separate_bias(gate))
        for (int64_t i = gate * hidden_; i < (gate + 1) * hidden_; ++i) sum[d * all + i] += apart[d * all + i];
  }
}

const float* Recurrent::bias(OpRun& r) const {
  return constant_bias_ ? reinterpret_cast<const float*>(constant_bias_->data()) : floats(r, bias_at_);
}

void Recurrent::clip(float* x, int64_t n) const {
  if (clip_ > 0) unary_kernel(ElementType::f32, UnaryOp::clip)(x, x, size_t(n), {-clip_, clip_});
}

bool Recurrent::activations_are(int64_t direction, std::initializer_list<UnaryOp> functions) const {
  size_t i = size_t(direction * activations_each_);
  return clip_ == 0 && std::all_of(functions.begin(), functions.end(), [&](UnaryOp op) { return activations_[i++].is(op); });
}

void Recurrent::clear_ended(OpRun& r, int64_t longest) const {
  if (!r.wants(0)) return;
  int64_t size = dtype_size(dtype_), row_bytes = hidden_ * size;
  if (!batch_first_) {
    int64_t step = directions_ * batch_ * row_bytes;
    std::memset(r.out<char>(0) + longest * step, 0, size_t((time_ - longest) * step));
  }
  for (int64_t b = 0; b < batch_; ++b) {
    int64_t end = batch_first_ ? time_ : longest, first = lengths(r)[b];
    for (int64_t t = first; t < end; ++t)
      for (int64_t d = 0; d < directions_; ++d) {
        int64_t at = batch_first_ ? (b * time_ + t) * directions_ + d : (t * directions_ + d) * batch_ + b;
        std::memset(r.out<char>(0) + at * row_bytes, 0, size_t(row_bytes));
      }
  }
}

int64_t Recurrent::time_of(OpRun& r, int64_t s, int64_t direction, int64_t row) const {
  return (direction == 1 || first_reverse_) ? lengths(r)[row] - 1 - s : s;
}

Recurrent::Cell Recurrent::cell_at(OpRun& r, int64_t s, int64_t direction, int64_t row) const {
  int64_t all = gates_ * hidden_, at = direction * batch_ + row, t = time_of(r, s, direction, row);
  int64_t input_row = direction * time_ * batch_ + (batch_first_ ? row * time_ + t : t * batch_ + row);
  return {direction,
          floats(r, input_at_) + input_row * all,
          bias(r) + (directions_ + direction) * all,
          floats(r, gates_at_) + at * all,
          floats(r, h_at_) + at * hidden_,
          floats(r, c_at_) + at * hidden_,
          floats(r, spare_at_) + at * hidden_,
          floats(r, peepholes_at_) + direction * 3 * hidden_};
}

RecurrentWeights::Operands Recurrent::operands(OpRun& r, const Phase& phase) const {
  RecurrentWeights::Operands o{};
  o.a = floats(r, phase.of_spare ? spare_at_ : h_at_), o.a_direction = batch_ * hidden_, o.rows = batch_;
  o.c = floats(r, gates_at_) + phase.first * hidden_, o.c_direction = batch_ * gates_ * hidden_, o.c_row = gates_ * hidden_;
  return o;
}

void Recurrent::finish_row(OpRun& r, size_t phase, int64_t s, int64_t direction, int64_t row) const {
  if (s >= lengths(r)[row]) return;
  Cell one = cell_at(r, s, direction, row);
  cell(int(phase), one);
  if (phase + 1 == steps_.size()) store_row(r, time_of(r, s, direction, row), direction, row, one.h);
}

void Recurrent::walk_group(OpRun& r, const Group& group, int64_t from, int64_t to, int worker) const {
  for (int64_t s = from; s < to; ++s)
    for (size_t phase = 0; phase < steps_.size(); ++phase) {
      steps_[phase].weights.multiply_here(r, operands(r, steps_[phase].phase), group.direction, group.begin, group.end, worker);
      for (int64_t row = group.begin; row < group.end; ++row) finish_row(r, phase, s, group.direction, row);
    }
}

Recurrent::Group Recurrent::group_at(int64_t i) const {
  int64_t begin = i % groups_ * group_rows_;
  return {i / groups_, begin, std::min(batch_, begin + group_rows_)};
}

Status Recurrent::walk(OpRun& r, int64_t longest) const {
  int64_t steps = std::max<int64_t>(1, int64_t(kTileNs / group_ns_));
  for (int64_t s = 0; s < longest; s += steps) {
    int64_t end = std::min(longest, s + steps);
    ENGINE_TRY(r.parallel(directions_ * groups_, group_ns_ * double(end - s), [&](int64_t first, int64_t last, int worker) {
      for (int64_t i = first; i < last; ++i) walk_group(r, group_at(i), s, end, worker);
    }));
  }
  return {};
}

Status Recurrent::step(OpRun& r, int64_t s) const {
  for (size_t phase = 0; phase < steps_.size(); ++phase) {
    ENGINE_TRY(steps_[phase].weights.multiply(r, operands(r, steps_[phase].phase)));
    double ns = double(gates_ * hidden_);
    ENGINE_TRY(r.parallel(directions_ * batch_, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) finish_row(r, phase, s, i / batch_, i % batch_);
    }));
  }
  return {};
}

Status Recurrent::project_input(OpRun& r, int64_t longest) const {
  int64_t rows = batch_first_ ? (batch_ == 1 ? longest : time_ * batch_) : longest * batch_;
  RecurrentWeights::Operands o{};
  o.a = dtype_ == DType::Float ? r.in<float>(0) : floats(r, x_at_), o.rows = rows;
  if (dtype_ != DType::Float) ENGINE_TRY(widen_elements(r, r.in(0).data, dtype_, rows * input_, floats(r, x_at_)));
  o.c = floats(r, input_at_), o.c_direction = time_ * batch_ * gates_ * hidden_, o.c_row = gates_ * hidden_;
  o.bias = bias(r);
  return w_.multiply(r, o);
}

Status Recurrent::run(OpRun& r) const {
  int64_t longest = 0;
  ENGINE_TRY(read_lengths(r, &longest));
  if (!constant_bias_) sum_biases(&r.in(inputs_.bias), floats(r, bias_at_));
  if (inputs_.peepholes >= 0 && r.has(inputs_.peepholes))
    load_floats(r.in(inputs_.peepholes), 0, directions_ * 3 * hidden_, floats(r, peepholes_at_));
  load_state(r, inputs_.initial_h, floats(r, h_at_));
  if (inputs_.initial_c >= 0) load_state(r, inputs_.initial_c, floats(r, c_at_));
  ENGINE_TRY(w_.begin(r));
  for (const Step& step : steps_) ENGINE_TRY(step.weights.begin(r));
  ENGINE_TRY(project_input(r, longest));
  clear_ended(r, longest);
  if (groups_ > 0) ENGINE_TRY(walk(r, longest));
  else
    for (int64_t s = 0; s < longest; ++s) ENGINE_TRY(step(r, s));
  store_state(r, 1, floats(r, h_at_));
  if (inputs_.initial_c >= 0) store_state(r, 2, floats(r, c_at_));
  return {};
}

}  // namespace engine
