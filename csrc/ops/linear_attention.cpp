// LinearAttention: a state matrix [key depth, value depth] for each kv head, updated and read step by step.
//   state = exp(decay) state + k (beta (v - state^T k) or v)^T,   output = scale state^T q
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/float_storage.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtype_set(DType::Float, DType::Float16, DType::BFloat16);
constexpr double kChunkNs = 40e3;

class LinearAttention final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i : {0, 1, 2}) ENGINE_TRY(c.require(i, kTypes));
    for (int i : {1, 2, 4, 5})
      if (c.has_input(i)) ENGINE_TRY(c.require_same(0, i));
    if (c.has_input(3)) ENGINE_TRY(c.require(3, kTypes));
    std::string rule = c.attr_string("update_rule", "gated_delta");
    gated_ = rule == "gated" || rule == "gated_delta";
    delta_ = rule == "delta" || rule == "gated_delta";
    if (!gated_ && !delta_ && rule != "linear") return error(Code::InvalidModel, "update_rule '%s' is not known", rule.c_str());
    if (gated_ != c.has_input(4)) return error(Code::InvalidModel, "update_rule '%s' and input decay do not go together", rule.c_str());
    if (delta_ != c.has_input(5)) return error(Code::InvalidModel, "update_rule '%s' and input beta do not go together", rule.c_str());
    q_heads_ = c.attr_int("q_num_heads", 0), kv_heads_ = c.attr_int("kv_num_heads", 0);
    if (q_heads_ <= 0 || kv_heads_ <= 0 || q_heads_ % kv_heads_ != 0)
      return error(Code::InvalidModel, "q_num_heads is %lld, kv_num_heads %lld; the first must be a multiple of the second", (long long)q_heads_, (long long)kv_heads_);
    DType state = c.has_input(3) ? c.dtype(3) : c.dtype(0);
    c.set(0, c.dtype(0));
    c.set(1, state);
    for (int i : {0, 1, 2})
      if (!c.known(i)) return {};
    return infer_shapes(c, state);
  }

  Status prepare(PrepareContext& c) override {
    c.need_shared_scratch(batch_ * kv_heads_ * depth_ * value_depth_ * int64_t(sizeof(float)));
    c.need_scratch((3 * depth_ + 3 * value_depth_) * int64_t(sizeof(float)));
    return {};
  }

  Status run(OpRun& r) const override {
    int64_t items = batch_ * kv_heads_, size = depth_ * value_depth_;
    float* states = r.shared_scratch<float>();
    for (int64_t i = 0; i < items; ++i) {
      if (r.has(3)) load_floats(r.in(3), i * size, size, states + i * size);
      else std::fill(states + i * size, states + (i + 1) * size, 0.0f);
    }
    double ns = double(size) * (1.0 + double(q_heads_ / kv_heads_)) + 50;
    int64_t chunk = std::clamp<int64_t>(int64_t(kChunkNs / ns), 1, std::max<int64_t>(time_, 1));
    for (int64_t t = 0; t < time_; t += chunk)
      ENGINE_TRY(r.parallel(items, ns * double(chunk), [&](int64_t begin, int64_t end, int worker) {
        for (int64_t i = begin; i < end; ++i)
          for (int64_t s = t; s < std::min(t + chunk, time_); ++s) step(r, i / kv_heads_, i % kv_heads_, s, states + i * size, r.scratch<float>(worker));
      }));
    if (r.wants(1)) store_floats(states, items * size, r.out(1), 0);
    return {};
  }

 private:
  Status infer_shapes(InferContext& c, DType state) {
    const Shape &q = c.shape(0), &k = c.shape(1), &v = c.shape(2);
    bool fits = q.rank() == 3 && k.rank() == 3 && v.rank() == 3 && q[2] % q_heads_ == 0 && v[2] % kv_heads_ == 0;
    if (fits) {
      batch_ = q[0], time_ = q[1], depth_ = q[2] / q_heads_, value_depth_ = v[2] / kv_heads_;
      fits = k == Shape{batch_, time_, kv_heads_ * depth_} && v[0] == batch_ && v[1] == time_;
    }
    if (fits && c.known(3)) fits = c.shape(3) == Shape{batch_, kv_heads_, depth_, value_depth_};
    if (fits && c.known(4)) {
      wide_decay_ = c.shape(4).rank() == 3 && c.shape(4)[2] != kv_heads_;
      fits = c.shape(4) == Shape{batch_, time_, wide_decay_ ? kv_heads_ * depth_ : kv_heads_};
    }
    if (fits && c.known(5)) {
      shared_beta_ = c.shape(5).rank() == 3 && c.shape(5)[2] != kv_heads_;
      fits = c.shape(5) == Shape{batch_, time_, shared_beta_ ? 1 : kv_heads_};
    }
    if (!fits)
      return error(Code::InvalidModel, "query, key and value have shapes %s, %s and %s, which do not fit each other, the state, decay or beta",
                   q.text().c_str(), k.text().c_str(), v.text().c_str());
    float scale = c.attr_float("scale", 0);
    scale_ = scale != 0 ? scale : float(1.0 / std::sqrt(double(std::max<int64_t>(depth_, 1))));
    c.set(0, c.dtype(0), Shape{batch_, time_, q_heads_ * value_depth_});
    c.set(1, state, Shape{batch_, kv_heads_, depth_, value_depth_});
    return {};
  }

  void decay(OpRun& r, int64_t at, int64_t head, float* state) const {
    for (int64_t d = 0; d < depth_; ++d) {
      float g = load_float(r.in(4), wide_decay_ ? (at * kv_heads_ + head) * depth_ + d : at * kv_heads_ + head);
      float factor = std::exp(g);
      for (int64_t m = 0; m < value_depth_; ++m) state[d * value_depth_ + m] *= factor;
    }
  }

  // to = state^T x
  void read(const float* state, const float* x, float* to) const {
    std::fill(to, to + value_depth_, 0.0f);
    for (int64_t d = 0; d < depth_; ++d)
      for (int64_t m = 0; m < value_depth_; ++m) to[m] += state[d * value_depth_ + m] * x[d];
  }

  void step(OpRun& r, int64_t batch, int64_t head, int64_t t, float* state, float* scratch) const {
    float *x = scratch, *v = x + depth_, *got = v + value_depth_;
    int64_t at = batch * time_ + t;
    if (gated_) decay(r, at, head, state);
    load_floats(r.in(1), (at * kv_heads_ + head) * depth_, depth_, x);
    load_floats(r.in(2), (at * kv_heads_ + head) * value_depth_, value_depth_, v);
    if (delta_) {
      float beta = load_float(r.in(5), shared_beta_ ? at : at * kv_heads_ + head);
      read(state, x, got);
      for (int64_t m = 0; m < value_depth_; ++m) v[m] = beta * (v[m] - got[m]);
    }
    for (int64_t d = 0; d < depth_; ++d)
      for (int64_t m = 0; m < value_depth_; ++m) state[d * value_depth_ + m] += x[d] * v[m];
    if (!r.wants(0)) return;
    int64_t group = q_heads_ / kv_heads_;
    for (int64_t h = head * group; h < (head + 1) * group; ++h) {
      load_floats(r.in(0), (at * q_heads_ + h) * depth_, depth_, x);
      read(state, x, got);
      for (int64_t m = 0; m < value_depth_; ++m) got[m] *= scale_;
      store_floats(got, value_depth_, r.out(0), (at * q_heads_ + h) * value_depth_);
    }
  }

  bool gated_ = false, delta_ = false, wide_decay_ = false, shared_beta_ = false;
  float scale_ = 1;
  int64_t q_heads_ = 1, kv_heads_ = 1, batch_ = 0, time_ = 0, depth_ = 0, value_depth_ = 0;
};

}  // namespace

void op_linear_attention(OpTable& t) { t.add<LinearAttention>("", "LinearAttention", 27, 3, 6, 1, 2); }

}  // namespace engine
