// CausalConvWithState: a depthwise convolution over time whose left context is past_state (or zeros).
#include <algorithm>

#include "base/checked.h"
#include "kernels/activation.h"
#include "ops/float_storage.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtype_set(DType::Float, DType::Float16, DType::BFloat16);

class CausalConvWithState final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kTypes));
    for (int i : {1, 2, 3})
      if (i == 1 || c.has_input(i)) ENGINE_TRY(c.require_same(0, i));
    std::string activation = c.attr_string("activation", "none");
    if (activation != "none" && activation != "silu" && activation != "swish")
      return error(Code::InvalidModel, "activation is '%s'; none, silu and swish are allowed", activation.c_str());
    silu_ = activation != "none";
    for (int o : {0, 1}) c.set(o, c.dtype(0));
    if (!c.known(0) || !c.known(1)) return {};
    const Shape &x = c.shape(0), &w = c.shape(1);
    bool fits = x.rank() == 3 && w.rank() == 3 && w[0] == x[1] && w[1] == 1 && w[2] >= 1;
    if (fits && c.known(2)) fits = c.shape(2) == Shape{x[1]};
    if (fits && c.known(3)) fits = c.shape(3) == Shape{x[0], x[1], w[2] - 1};
    if (!fits) return error(Code::InvalidModel, "input has shape %s, which does not fit weights of shape %s, bias or past_state", x.text().c_str(), w.text().c_str());
    channels_ = x[1], time_ = x[2], width_ = w[2];
    rows_ = x[0] * x[1];
    c.set(0, c.dtype(0), x);
    c.set(1, c.dtype(0), Shape{x[0], x[1], width_ - 1});
    return {};
  }

  Status prepare(PrepareContext& c) override {
    c.need_scratch((std::min(time_, kPiece) + 2 * width_) * int64_t(sizeof(float)));
    return {};
  }

  Status run(OpRun& r) const override {
    int64_t pieces = std::max<int64_t>(1, ceil_div(time_, kPiece)), length = std::min(time_, kPiece);
    double ns = 2 * double(length) * double(width_) + double(width_) + 20;
    return r.parallel(rows_ * pieces, ns, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) convolve(r, i / pieces, i % pieces * kPiece, r.scratch<float>(worker));
    });
  }

 private:
  static constexpr int64_t kPiece = 4096;  // steps of an item

  // Steps [from, from + count) of a row, the past ones from -(width_ - 1) on.
  void load(OpRun& r, int64_t row, int64_t from, int64_t count, float* to) const {
    int64_t left = width_ - 1, past = std::clamp<int64_t>(-from, 0, count);
    if (!r.has(3)) std::fill_n(to, past, 0.0f);
    else if (past > 0) load_floats(r.in(3), row * left + from + left, past, to);
    if (past < count) load_floats(r.in(0), row * time_ + from + past, count - past, to + past);
  }

  // The steps of one piece, and the state after the last one.
  void convolve(OpRun& r, int64_t row, int64_t first, float* weights) const {
    int64_t left = width_ - 1, channel = row % channels_, n = std::min(kPiece, time_ - first);
    float* padded = weights + width_;
    if (first + n == time_ && r.wants(1)) {
      load(r, row, time_ - left, left, padded);
      store_floats(padded, left, r.out(1), row * left);
    }
    if (!r.wants(0)) return;
    load(r, row, first - left, n + left, padded);
    load_floats(r.in(1), channel * width_, width_, weights);
    float bias = r.has(2) ? load_float(r.in(2), channel) : 0.0f;
    for (int64_t t = 0; t < n; ++t) {
      float sum = bias;
      for (int64_t i = 0; i < width_; ++i) sum += padded[t + i] * weights[i];
      store_float(r.out(0), row * time_ + first + t, silu_ ? activate(Activation::silu, sum, 0, 0) : sum);
    }
  }

  bool silu_ = false;
  int64_t channels_ = 1, time_ = 0, width_ = 1, rows_ = 0;
};

}  // namespace

void op_causal_conv_with_state(OpTable& t) { t.add<CausalConvWithState>("", "CausalConvWithState", 27, 2, 4, 1, 2); }

}  // namespace engine
