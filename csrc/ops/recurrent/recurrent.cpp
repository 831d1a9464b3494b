#include "ops/recurrent/recurrent.h"

#include <algorithm>

#include "base/checked.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats & ~dtype_set(DType::Double);
constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);
// A group's step that takes longer is cut into tiles; with threads to spare one that takes longer than the second is shared.
constexpr double kLongestStepNs = 50e3, kSharedStepNs = 20e3;
// Fewer rows than this do not use up what is read of the weights.
constexpr int64_t kFewestRows = 12;
constexpr double kCellNs = 0.2;

}  // namespace

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

int64_t Recurrent::take(int64_t bytes) {
  int64_t at = shared_;
  shared_ += round_up(bytes, 64);
  return at;
}

RecurrentWeights::Source Recurrent::source(int position, int scale, int64_t k) const {
  RecurrentWeights::Source s;
  s.position = position, s.scale = scale, s.as_bytes = scale >= 0;
  s.directions = directions_, s.columns = gates_ * hidden_, s.k = k, s.begin = 0, s.n = s.columns;
  return s;
}

Status Recurrent::prepare(PrepareContext& c) {
  int64_t all = gates_ * hidden_, rows = directions_ * batch_;
  if (double(time_) * double(batch_) * double(std::max(all, input_)) * double(directions_) > 0x1p44)
    return error(Code::MemoryLimitExceeded, "input of shape %s is too large", c.shape(0).text().c_str());
  kernels_ = &recurrent_kernels();
  shared_ = 0;
  lengths_at_ = take(batch_ * 8);
  if (dtype_ != DType::Float) x_at_ = take(time_ * batch_ * input_ * 4);
  ENGINE_TRY(prepare_bias(c));
  peepholes_at_ = take(directions_ * 3 * hidden_ * 4);
  input_at_ = take(directions_ * time_ * batch_ * all * 4);
  gates_at_ = take(rows * all * 4);
  h_at_ = take(rows * hidden_ * 4);
  c_at_ = take(rows * hidden_ * 4);
  spare_at_ = take(rows * hidden_ * 4);
  ENGINE_TRY(w_.prepare(c, source(1, inputs_.w_scale, input_), time_ * batch_, &shared_));
  steps_.clear();
  for (const Phase& phase : phases()) {
    RecurrentWeights::Source s = source(2, inputs_.r_scale, hidden_);
    s.begin = phase.first * hidden_, s.n = phase.count * hidden_;
    steps_.push_back({phase, {}});
    ENGINE_TRY(steps_.back().weights.prepare(c, s, batch_, &shared_));
  }
  plan_walk(c.threads());
  c.need_shared_scratch(shared_);
  return {};
}

Status Recurrent::prepare_bias(PrepareContext& c) {
  int64_t bytes = std::max<int64_t>(64, 2 * directions_ * gates_ * hidden_ * 4);
  const Tensor* bias = c.has_input(inputs_.bias) ? c.value(inputs_.bias) : nullptr;
  if (c.has_input(inputs_.bias) && !bias) {
    bias_at_ = take(bytes);
    return {};
  }
  ENGINE_ASSIGN(constant_bias_, c.allocate(bytes));
  sum_biases(bias, reinterpret_cast<float*>(constant_bias_->data()));
  return {};
}

// The bytes of a batch have one range, so its rows stay together.
void Recurrent::plan_walk(int threads) {
  group_rows_ = batch_;
  if (inputs_.r_scale < 0 && threads > directions_)
    group_rows_ = std::max(kFewestRows, ceil_div(batch_, ceil_div(int64_t(threads), directions_)));
  group_rows_ = std::max<int64_t>(1, std::min(group_rows_, batch_));
  groups_ = ceil_div(batch_, group_rows_);
  group_ns_ = double(group_rows_) * double(gates_ * hidden_) * kCellNs;
  for (const Step& step : steps_) group_ns_ += step.weights.ns(group_rows_);
  bool spare_threads = int64_t(threads) > groups_ * directions_;
  if (group_ns_ > (spare_threads ? kSharedStepNs : kLongestStepNs)) groups_ = 0;
}

}  // namespace engine
