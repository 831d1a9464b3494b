// CausalConvWithState: a depthwise convolution over time whose left context is past_state (or zeros).
#include <algorithm>

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
    c.need_scratch((time_ + 2 * width_ + 1) * int64_t(sizeof(float)));
    return {};
  }

  Status run(OpRun& r) const override {
    return r.parallel(rows_, double(time_) * double(width_) + double(width_) + 20, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t row = begin; row < end; ++row) convolve(r, row, r.scratch<float>(worker));
    });
  }

 private:
  void convolve(OpRun& r, int64_t row, float* padded) const {
    int64_t left = width_ - 1, channel = row % channels_;
    float* weights = padded + left + time_;
    std::fill(padded, padded + left, 0.0f);
    if (r.has(3)) load_floats(r.in(3), row * left, left, padded);
    load_floats(r.in(0), row * time_, time_, padded + left);
    load_floats(r.in(1), channel * width_, width_, weights);
    float bias = r.has(2) ? load_float(r.in(2), channel) : 0.0f;
    if (r.wants(1)) store_floats(padded + time_, left, r.out(1), row * left);
    if (!r.wants(0)) return;
    for (int64_t t = 0; t < time_; ++t) {
      float sum = bias;
      for (int64_t i = 0; i < width_; ++i) sum += padded[t + i] * weights[i];
      store_float(r.out(0), row * time_ + t, silu_ ? activate(Activation::silu, sum, 0, 0) : sum);
    }
  }

  bool silu_ = false;
  int64_t channels_ = 1, time_ = 0, width_ = 1, rows_ = 0;
};

}  // namespace

void op_causal_conv_with_state(OpTable& t) { t.add<CausalConvWithState>("", "CausalConvWithState", 27, 2, 4, 1, 2); }

}  // namespace engine
