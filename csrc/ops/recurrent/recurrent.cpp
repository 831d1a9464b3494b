#include "ops/recurrent/recurrent.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/float_storage.h"
#include "ops/product/product.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats & ~dtype_set(DType::Double);
constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);

}  // namespace

int64_t Recurrent::take(int64_t bytes) {
  int64_t at = shared_;
  shared_ += round_up(bytes, 64);
  return at;
}

Status Recurrent::infer_recurrent(InferContext& c, int gates, Inputs inputs, std::vector<std::string> activations) {
  gates_ = gates;
  inputs_ = inputs;
  bool bytes = inputs.w_scale >= 0;
  ENGINE_TRY(c.require(0, bytes ? dtypes::kFloat32 : kTypes));
  dtype_ = c.dtype(0);
  for (int i : {1, 2}) ENGINE_TRY(c.require(i, bytes ? kBytes : dtype_set(dtype_)));
  for (int i : {inputs.bias, inputs.initial_h, inputs.initial_c, inputs.peepholes})
    if (i >= 0 && c.has_input(i)) ENGINE_TRY(c.require(i, dtype_set(dtype_)));
  if (c.has_input(inputs.lengths)) ENGINE_TRY(c.require(inputs.lengths, dtypes::kIndex));
  std::string direction = c.attr_string("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return error(Code::InvalidModel, "direction is '%s'; forward, reverse and bidirectional are allowed", direction.c_str());
  directions_ = direction == "bidirectional" ? 2 : 1;
  first_reverse_ = direction == "reverse";
  int64_t layout = c.attr_int("layout", 0);
  if (layout != 0 && layout != 1) return error(Code::InvalidModel, "layout is %lld; 0 and 1 are allowed", (long long)layout);
  batch_first_ = layout == 1;
  clip_ = std::max(0.0f, c.attr_float("clip", 0));
  activations_each_ = int(activations.size());
  ENGINE_ASSIGN(activations_, GateActivation::read(c, activations_each_ * int(directions_), activations));

  for (int o = 0; o < 3; ++o) c.set(o, dtype_);
  if (!c.has_rank(0) || !c.has_rank(1) || !c.has_rank(2)) return {};
  for (int i : {0, 1, 2})
    if (c.shape(i).rank() != 3) return error(Code::InvalidModel, "input %d has shape %s; three dimensions are wanted", i, c.shape(i).text().c_str());
  time_ = c.shape(0)[batch_first_ ? 1 : 0], batch_ = c.shape(0)[batch_first_ ? 0 : 1], input_ = c.shape(0)[2];
  hidden_ = c.shape(2)[bytes ? 1 : 2];
  if (c.has("hidden_size") && hidden_ >= 0 && c.attr_int("hidden_size", 0) != hidden_)
    return error(Code::InvalidModel, "hidden_size is %lld, the recurrent weights have shape %s", (long long)c.attr_int("hidden_size", 0),
                 c.shape(2).text().c_str());
  ENGINE_TRY(check_shapes(c));
  Shape state = batch_first_ ? Shape{batch_, directions_, hidden_} : Shape{directions_, batch_, hidden_};
  c.set(0, dtype_, batch_first_ ? Shape{batch_, time_, directions_, hidden_} : Shape{time_, directions_, batch_, hidden_});
  c.set(1, dtype_, state);
  c.set(2, dtype_, state);
  return {};
}

Status Recurrent::check_shapes(const InferContext& c) const {
  auto check = [&](int i, std::initializer_list<int64_t> want) -> Status {
    if (i < 0 || !c.has_rank(i)) return {};
    const Shape& have = c.shape(i);
    bool fits = have.rank() == int(want.size());
    int d = 0;
    for (int64_t w : want) {
      fits = fits && (have[d] < 0 || w < 0 || have[d] == w);
      if (++d > have.rank()) break;
    }
    if (fits) return {};
    return error(Code::InvalidModel, "input %d has shape %s, %s is wanted", i, have.text().c_str(), Shape(want).text().c_str());
  };
  int64_t all = hidden_ < 0 ? -1 : gates_ * hidden_, three = hidden_ < 0 ? -1 : 3 * hidden_, twice = all < 0 ? -1 : 2 * all;
  bool bytes = inputs_.w_scale >= 0;
  if (hidden_ > INT32_MAX / 16) return error(Code::InvalidModel, "hidden size %lld is too large", (long long)hidden_);
  ENGINE_TRY(bytes ? check(1, {directions_, input_, all}) : check(1, {directions_, all, input_}));
  ENGINE_TRY(bytes ? check(2, {directions_, hidden_, all}) : check(2, {directions_, all, hidden_}));
  ENGINE_TRY(check(inputs_.bias, {directions_, twice}));
  ENGINE_TRY(check(inputs_.lengths, {batch_}));
  for (int i : {inputs_.initial_h, inputs_.initial_c})
    ENGINE_TRY(batch_first_ ? check(i, {batch_, directions_, hidden_}) : check(i, {directions_, batch_, hidden_}));
  return check(inputs_.peepholes, {directions_, three});
}

RecurrentWeights::Source Recurrent::recurrent_source(int64_t begin, int64_t n) const {
  RecurrentWeights::Source s;
  s.position = 2, s.scale = inputs_.r_scale, s.as_bytes = inputs_.r_scale >= 0;
  s.directions = directions_, s.columns = gates_ * hidden_, s.k = hidden_, s.begin = begin, s.n = n;
  return s;
}

Status Recurrent::prepare_recurrent(PrepareContext& c) { return r_.prepare(c, recurrent_source(0, gates_ * hidden_), batch_, &shared_); }

Status Recurrent::prepare(PrepareContext& c) {
  int64_t all = gates_ * hidden_, rows = directions_ * batch_;
  if (double(time_) * double(batch_) * double(std::max(all, input_)) * double(directions_) > 0x1p44)
    return error(Code::MemoryLimitExceeded, "input of shape %s is too large", c.shape(0).text().c_str());
  RecurrentWeights::Source w = recurrent_source(0, all);
  w.position = 1, w.scale = inputs_.w_scale, w.k = input_;
  shared_ = 0;
  lengths_at_ = take(batch_ * 8);
  if (dtype_ != DType::Float) x_at_ = take(time_ * batch_ * input_ * 4);
  bias_at_ = take(directions_ * all * 4);
  r_bias_at_ = take(directions_ * all * 4);
  peepholes_at_ = take(directions_ * 3 * hidden_ * 4);
  input_at_ = take(directions_ * time_ * batch_ * all * 4);
  gates_at_ = take(rows * all * 4);
  h_at_ = take(rows * hidden_ * 4);
  c_at_ = take(rows * hidden_ * 4);
  spare_at_ = take(rows * hidden_ * 4);
  ENGINE_TRY(w_.prepare(c, w, time_ * batch_, &shared_));
  ENGINE_TRY(prepare_recurrent(c));
  c.need_shared_scratch(shared_);
  return {};
}

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

void Recurrent::load(OpRun& r, int position, int64_t count, float* to) const {
  if (position >= 0 && r.has(position)) load_floats(r.in(position), 0, count, to);
  else std::memset(to, 0, size_t(count) * sizeof(float));
}

// States are [directions][batch][hidden] here, whatever the layout.
void Recurrent::load_state(OpRun& r, int position, float* to) const {
  if (position < 0 || !r.has(position) || !batch_first_) return load(r, position, directions_ * batch_ * hidden_, to);
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

void Recurrent::sum_biases(OpRun& r) const {
  int64_t all = gates_ * hidden_;
  float* sum = floats(r, bias_at_);
  float* apart = floats(r, r_bias_at_);
  std::memset(sum, 0, size_t(directions_ * all) * sizeof(float));
  std::memset(apart, 0, size_t(directions_ * all) * sizeof(float));
  if (!r.has(inputs_.bias)) return;
  for (int64_t d = 0; d < directions_; ++d) {
    load_floats(r.in(inputs_.bias), 2 * d * all, all, sum + d * all);
    load_floats(r.in(inputs_.bias), (2 * d + 1) * all, all, apart + d * all);
    for (int gate = 0; gate < gates_; ++gate)
      if (!separate_bias(gate))
        for (int64_t i = gate * hidden_; i < (gate + 1) * hidden_; ++i) sum[d * all + i] += apart[d * all + i];
  }
}

void Recurrent::clear_ended(OpRun& r) const {
  float* zeros = floats(r, spare_at_);
  std::memset(zeros, 0, size_t(hidden_) * sizeof(float));
  for (int64_t b = 0; b < batch_; ++b)
    for (int64_t t = lengths(r)[b]; t < time_; ++t)
      for (int64_t d = 0; d < directions_; ++d) store_row(r, t, d, b, zeros);
}

int64_t Recurrent::time_of(OpRun& r, int64_t s, int64_t direction, int64_t row) const {
  return (direction == 1 || first_reverse_) ? lengths(r)[row] - 1 - s : s;
}

Recurrent::Cell Recurrent::cell_at(OpRun& r, int64_t s, int64_t direction, int64_t row) const {
  int64_t all = gates_ * hidden_, at = direction * batch_ + row, t = time_of(r, s, direction, row);
  int64_t input_row = direction * time_ * batch_ + (batch_first_ ? row * time_ + t : t * batch_ + row);
  return {direction,
          floats(r, input_at_) + input_row * all,
          floats(r, gates_at_) + at * all,
          floats(r, h_at_) + at * hidden_,
          floats(r, c_at_) + at * hidden_,
          floats(r, spare_at_) + at * hidden_};
}

Status Recurrent::multiply_state(OpRun& r, const RecurrentWeights& weights, const float* a, int64_t offset) const {
  RecurrentWeights::Operands o{};
  o.a = a, o.a_direction = batch_ * hidden_, o.range_rows = batch_;
  o.c = floats(r, gates_at_) + offset, o.c_direction = batch_ * gates_ * hidden_, o.c_row = gates_ * hidden_;
  return weights.multiply(r, o);
}

Status Recurrent::step(OpRun& r, int64_t s) const {
  ENGINE_TRY(multiply_state(r, r_, floats(r, h_at_), 0));
  return for_cells(r, s, double(gates_ * hidden_), [&](const Cell& one, int64_t time, int64_t row) {
    cell(one);
    store_row(r, time, one.direction, row, one.h);
  });
}

Status Recurrent::run(OpRun& r) const {
  int64_t longest = 0;
  ENGINE_TRY(read_lengths(r, &longest));
  const float* x = dtype_ == DType::Float ? r.in<float>(0) : floats(r, x_at_);
  if (dtype_ != DType::Float) ENGINE_TRY(widen_elements(r, r.in(0).data, dtype_, r.in(0).elements(), floats(r, x_at_)));
  sum_biases(r);
  load(r, inputs_.peepholes, directions_ * 3 * hidden_, floats(r, peepholes_at_));
  load_state(r, inputs_.initial_h, floats(r, h_at_));
  load_state(r, inputs_.initial_c, floats(r, c_at_));
  ENGINE_TRY(w_.begin(r));
  ENGINE_TRY(r_.begin(r));
  RecurrentWeights::Operands o{};
  o.a = x, o.range_rows = batch_first_ ? time_ * batch_ : longest * batch_;
  o.c = floats(r, input_at_), o.c_direction = time_ * batch_ * gates_ * hidden_, o.c_row = gates_ * hidden_;
  o.bias = floats(r, bias_at_);
  ENGINE_TRY(w_.multiply(r, o));
  clear_ended(r);
  for (int64_t s = 0; s < longest; ++s) ENGINE_TRY(step(r, s));
  store_state(r, 1, floats(r, h_at_));
  store_state(r, 2, floats(r, c_at_));
  return {};
}

}  // namespace engine
