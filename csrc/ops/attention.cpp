// Attention of ai.onnx. Half floats are computed in float32 and rounded where the operator's definition rounds: Q and K times
// the root of the scale, their product, cap, mask, the steps of the softmax.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "ops/attention/attention_core.h"
#include "ops/product/product.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats & ~dtype_set(DType::Double);
enum Input : int { kQ, kK, kV, kMask, kPastKey, kPastValue, kValidKeys, kInputs };
enum Output : int { kY, kPresentKey, kPresentValue, kScores };

class Attention final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i : {kQ, kK, kV}) ENGINE_TRY(c.require(i, kTypes));
    for (int i : {kK, kV, kPastKey, kPastValue})
      if (c.has_input(i)) ENGINE_TRY(c.require_same(kQ, i));
    if (c.has_input(kMask)) ENGINE_TRY(c.require(kMask, dtype_set(c.dtype(kQ), DType::Bool)));
    if (c.has_input(kValidKeys)) ENGINE_TRY(c.require(kValidKeys, dtype_set(DType::Int64)));
    if (c.has_input(kPastKey) != c.has_input(kPastValue)) return error(Code::InvalidModel, "past_key and past_value must be given together");
    if (c.has_input(kPastKey) && c.has_input(kValidKeys)) return error(Code::InvalidModel, "nonpad_kv_seqlen and past_key exclude each other");
    dtype_ = c.dtype(kQ);
    ENGINE_TRY(read_attributes(c));
    for (int o = 0; o < 4; ++o) c.set(o, dtype_);
    for (int i : {kQ, kK, kV})
      if (!c.has_rank(i)) return {};
    return infer_shapes(c);
  }

  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  Status read_attributes(const InferContext& c);
  Status infer_shapes(InferContext& c);
  Status check_mask(const InferContext& c) const;
  void set_mask_strides(const PrepareContext& c);
  HeadStrides packed_heads(int64_t heads, int64_t rows, int64_t depth) const;
  Status widened(OpRun& r, int input, int64_t at, const float** out) const;
  Status append(OpRun& r, const float* past, const float* fresh, const HeadStrides& from, int64_t depth, float* to) const;
  Status scale(OpRun& r, int64_t at, int64_t elements) const;
  Status cache(OpRun& r, int past, const float* fresh, const HeadStrides& from, int64_t depth, int output, int64_t at, const float** result) const;
  int64_t take(int64_t bytes) {
    int64_t at = shared_;
    shared_ += round_up(bytes, 64);
    return at;
  }

  AttentionCore core_;
  DType dtype_ = DType::Float;
  bool flat_ = false, caches_ = false;
  bool scales_operands_ = false;  // Q and K are scaled, each by factor_, and not their product
  float factor_ = 1;
  int64_t q_heads_ = 0, kv_heads_ = 0, past_ = 0, fresh_ = 0, shared_ = 0;
  HeadStrides fresh_k_, fresh_v_;
  int64_t wide_at_[kInputs] = {}, present_at_[2] = {}, y_at_ = 0, scores_at_ = 0, lengths_at_ = 0;
};

Status Attention::read_attributes(const InferContext& c) {
  core_.softcap = c.attr_float("softcap", 0);
  core_.is_causal = c.attr_int("is_causal", 0) != 0;
  core_.left_window = std::clamp<int64_t>(c.attr_int("left_window_size", -1), -1, int64_t(1) << 39);
  core_.right_window = std::clamp<int64_t>(c.attr_int("right_window_size", -1), -1, int64_t(1) << 39);
  int64_t mode = c.attr_int("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3) return error(Code::InvalidModel, "qk_matmul_output_mode is %lld; 0 to 3 are allowed", (long long)mode);
  core_.stage = AttentionStage(mode);
  if (!(core_.softcap >= 0)) return error(Code::InvalidModel, "softcap is %g; it must not be negative", core_.softcap);
  core_.dtype = dtype_;
  core_.softmax_dtype = DType::Float;
  int64_t precision = c.attr_int("softmax_precision", int64_t(dtype_));
  if (dtype_ != DType::Float && (precision == int64_t(DType::Float16) || precision == int64_t(DType::BFloat16)))
    core_.softmax_dtype = DType(precision);
  q_heads_ = c.attr_int("q_num_heads", 0);
  kv_heads_ = c.attr_int("kv_num_heads", 0);
  return {};
}

Status Attention::infer_shapes(InferContext& c) {
  const Shape &q = c.shape(kQ), &k = c.shape(kK), &v = c.shape(kV);
  if (q.rank() != k.rank() || q.rank() != v.rank() || (q.rank() != 3 && q.rank() != 4))
    return error(Code::InvalidModel, "Q, K and V have shapes %s, %s and %s; all of three or all of four dimensions are wanted",
                 q.text().c_str(), k.text().c_str(), v.text().c_str());
  flat_ = q.rank() == 3;
  int64_t q_heads = flat_ ? q_heads_ : q[1], kv_heads = flat_ ? kv_heads_ : k[1];
  if (flat_ && (q_heads <= 0 || kv_heads <= 0)) return error(Code::InvalidModel, "q_num_heads and kv_num_heads are needed for inputs of three dimensions");
  if (!q.known() || !k.known() || !v.known() || (c.has_input(kPastKey) && (!c.known(kPastKey) || !c.known(kPastValue)))) return {};
  auto mismatch = [&] {
    return error(Code::InvalidModel, "Q, K and V have shapes %s, %s and %s, which do not fit %lld query and %lld key heads", q.text().c_str(),
                 k.text().c_str(), v.text().c_str(), (long long)q_heads, (long long)kv_heads);
  };
  AttentionShape& s = core_.shape;
  s.batch = q[0], s.heads = q_heads, s.kv_heads = kv_heads;
  s.rows = flat_ ? q[1] : q[2];
  fresh_ = flat_ ? k[1] : k[2];
  if (kv_heads <= 0 || q_heads % kv_heads != 0 || k[0] != q[0] || v[0] != q[0] || (flat_ ? v[1] : v[2]) != fresh_) return mismatch();
  if (!flat_ && v[1] != kv_heads) return mismatch();
  if (flat_ && (q[2] % q_heads != 0 || k[2] % kv_heads != 0 || v[2] % kv_heads != 0)) return mismatch();
  s.depth = flat_ ? q[2] / q_heads : q[3];
  s.value_depth = flat_ ? v[2] / kv_heads : v[3];
  if ((flat_ ? k[2] / kv_heads : k[3]) != s.depth) return mismatch();
  past_ = 0;
  if (c.has_input(kPastKey)) {
    const Shape &pk = c.shape(kPastKey), &pv = c.shape(kPastValue);
    if (pk.rank() != 4 || pv.rank() != 4) return mismatch();
    past_ = pk[2];
    if (!(pk == Shape{s.batch, kv_heads, past_, s.depth}) || !(pv == Shape{s.batch, kv_heads, past_, s.value_depth}))
      return error(Code::InvalidModel, "past_key and past_value have shapes %s and %s, which do not fit K and V", pk.text().c_str(), pv.text().c_str());
  }
  s.keys = past_ + fresh_;
  if (c.known(kValidKeys) && !(c.shape(kValidKeys) == Shape{s.batch}))
    return error(Code::InvalidModel, "nonpad_kv_seqlen has shape %s, the batch is %lld", c.shape(kValidKeys).text().c_str(), (long long)s.batch);
  ENGINE_TRY(check_mask(c));
  core_.scale = c.has("scale") ? c.attr_float("scale", 1) : float(1.0 / std::sqrt(double(std::max<int64_t>(s.depth, 1))));
  c.set(kY, dtype_, flat_ ? Shape{s.batch, s.rows, q_heads * s.value_depth} : Shape{s.batch, q_heads, s.rows, s.value_depth});
  c.set(kPresentKey, dtype_, Shape{s.batch, kv_heads, s.keys, s.depth});
  c.set(kPresentValue, dtype_, Shape{s.batch, kv_heads, s.keys, s.value_depth});
  c.set(kScores, dtype_, Shape{s.batch, q_heads, s.rows, s.keys});
  return {};
}

Status Attention::check_mask(const InferContext& c) const {
  if (!c.known(kMask)) return {};
  const Shape& m = c.shape(kMask);
  const AttentionShape& s = core_.shape;
  int64_t want[4] = {s.batch, s.heads, s.rows, s.keys};
  bool fits = m.rank() >= 1 && m.rank() <= 4;
  for (int i = 0; fits && i < m.rank(); ++i) {
    int64_t d = m[m.rank() - 1 - i];
    fits = d == 1 || d == want[3 - i] || (i == 0 && d < s.keys);
  }
  if (fits) return {};
  return error(Code::InvalidModel, "attn_mask has shape %s, which does not broadcast to [%lld, %lld, %lld, %lld]", m.text().c_str(),
               (long long)want[0], (long long)want[1], (long long)want[2], (long long)want[3]);
}

void Attention::set_mask_strides(const PrepareContext& c) {
  if (!c.has_input(kMask)) return;
  core_.mask = c.dtype(kMask) == DType::Bool ? AttentionMask::Bool : AttentionMask::Float;
  const Shape& m = c.shape(kMask);
  int64_t strides[kMaxRank], full[4] = {};
  contiguous_strides(m, strides);
  for (int i = 0; i < m.rank(); ++i) full[4 - m.rank() + i] = m[i] == 1 ? 0 : strides[i];
  core_.shape.mask = {full[0], full[1], full[2], full[3]};
  if (m.back() != 1 || core_.shape.keys <= 1) core_.mask_keys = m.back();
}

HeadStrides Attention::packed_heads(int64_t heads, int64_t rows, int64_t depth) const {
  if (flat_) return {rows * heads * depth, depth, heads * depth, 1};
  return {heads * rows * depth, rows * depth, depth, 1};
}

Status Attention::prepare(PrepareContext& c) {
  AttentionShape& s = core_.shape;
  bool half = dtype_ != DType::Float;
  caches_ = c.has_input(kPastKey) || c.has_output(kPresentKey) || c.has_output(kPresentValue);
  scales_operands_ = half && core_.scale >= 0;
  if (scales_operands_) {
    factor_ = std::sqrt(core_.scale);
    StepwiseSoftmax(dtype_).round(&factor_, 1);
    core_.scale = 1;
  }
  s.q = packed_heads(s.heads, s.rows, s.depth);
  s.y = packed_heads(s.heads, s.rows, s.value_depth);
  fresh_k_ = s.k = packed_heads(s.kv_heads, fresh_, s.depth);
  fresh_v_ = s.v = packed_heads(s.kv_heads, fresh_, s.value_depth);
  if (caches_) {
    s.k = {s.kv_heads * s.keys * s.depth, s.keys * s.depth, s.depth, 1};
    s.v = {s.kv_heads * s.keys * s.value_depth, s.keys * s.value_depth, s.value_depth, 1};
  }
  set_mask_strides(c);
  shared_ = 0;
  lengths_at_ = take(s.batch * 16);
  if (half)
    for (int i = 0; i < kInputs; ++i)
      if (c.has_input(i) && c.dtype(i) == dtype_) wide_at_[i] = take(c.shape(i).elements() * 4);
  if (caches_ && (half || !c.has_output(kPresentKey))) present_at_[0] = take(s.batch * s.kv_heads * s.keys * s.depth * 4);
  if (caches_ && (half || !c.has_output(kPresentValue))) present_at_[1] = take(s.batch * s.kv_heads * s.keys * s.value_depth * 4);
  if (half) y_at_ = take(c.output_shape(kY).elements() * 4);
  if (half && c.has_output(kScores)) scores_at_ = take(c.output_shape(kScores).elements() * 4);
  ENGINE_TRY(core_.prepare(c, &shared_));
  c.need_shared_scratch(shared_);
  return {};
}

Status Attention::widened(OpRun& r, int input, int64_t at, const float** out) const {
  *out = nullptr;
  if (!r.has(input)) return {};
  *out = r.in(input).as<float>();
  if (r.in(input).dtype == DType::Float || r.in(input).dtype == DType::Bool) return {};
  float* to = reinterpret_cast<float*>(r.shared_scratch() + at);
  *out = to;
  return widen_elements(r, r.in(input).data, dtype_, r.in(input).elements(), to);
}

Status Attention::append(OpRun& r, const float* past, const float* fresh, const HeadStrides& from, int64_t depth, float* to) const {
  const AttentionShape& s = core_.shape;
  return r.parallel(s.batch * s.kv_heads * s.keys, double(depth) * 0.2 + 3, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t stack = i / s.keys, key = i % s.keys, batch = stack / s.kv_heads, head = stack % s.kv_heads;
      const float* row = key < past_ ? past + (stack * past_ + key) * depth
                                     : fresh + batch * from.batch + head * from.head + (key - past_) * from.row;
      std::memcpy(to + i * depth, row, size_t(depth) * sizeof(float));
    }
  });
}

Status Attention::cache(OpRun& r, int past, const float* fresh, const HeadStrides& from, int64_t depth, int output, int64_t at,
                        const float** result) const {
  const float* before = nullptr;
  ENGINE_TRY(widened(r, past, wide_at_[past], &before));
  bool direct = dtype_ == DType::Float && r.wants(output);
  float* to = direct ? r.out<float>(output) : reinterpret_cast<float*>(r.shared_scratch() + at);
  ENGINE_TRY(append(r, before, fresh, from, depth, to));
  *result = to;
  if (direct || !r.wants(output)) return {};
  return narrow_elements(r, to, dtype_, r.out(output).elements(), r.out(output).data);
}

// Multiplies widened elements at that offset of the shared scratch by factor_, rounded.
Status Attention::scale(OpRun& r, int64_t at, int64_t elements) const {
  float* x = reinterpret_cast<float*>(r.shared_scratch() + at);
  StepwiseSoftmax steps(dtype_);
  return r.parallel(elements, 0.6, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) x[i] *= factor_;
    steps.round(x + begin, end - begin);
  });
}

Status Attention::run(OpRun& r) const {
  const AttentionShape& s = core_.shape;
  bool half = dtype_ != DType::Float;
  AttentionCore::Operands o;
  ENGINE_TRY(widened(r, kQ, wide_at_[kQ], &o.q));
  ENGINE_TRY(widened(r, kK, wide_at_[kK], &o.k));
  ENGINE_TRY(widened(r, kV, wide_at_[kV], &o.v));
  const float* mask = nullptr;
  ENGINE_TRY(widened(r, kMask, wide_at_[kMask], &mask));
  o.mask = mask;
  if (caches_) {
    ENGINE_TRY(cache(r, kPastKey, o.k, fresh_k_, s.depth, kPresentKey, present_at_[0], &o.k));
    ENGINE_TRY(cache(r, kPastValue, o.v, fresh_v_, s.value_depth, kPresentValue, present_at_[1], &o.v));
  }
  if (scales_operands_) {
    ENGINE_TRY(scale(r, wide_at_[kQ], s.batch * s.heads * s.rows * s.depth));
    ENGINE_TRY(scale(r, caches_ ? present_at_[0] : wide_at_[kK], s.batch * s.kv_heads * s.keys * s.depth));
  }
  o.offset = past_;
  if (r.has(kValidKeys)) {
    int64_t* lengths = reinterpret_cast<int64_t*>(r.shared_scratch() + lengths_at_);
    for (int64_t b = 0; b < s.batch; ++b) {
      lengths[b] = std::clamp<int64_t>(r.in<int64_t>(kValidKeys)[b], 0, s.keys);
      lengths[s.batch + b] = lengths[b] - s.rows;
    }
    o.valid_keys = lengths;
    o.offsets = lengths + s.batch;
  }
  o.y = half ? reinterpret_cast<float*>(r.shared_scratch() + y_at_) : r.out<float>(kY);
  if (r.wants(kScores)) o.scores = half ? reinterpret_cast<float*>(r.shared_scratch() + scores_at_) : r.out<float>(kScores);
  ENGINE_TRY(core_.run(r, o));
  if (!half) return {};
  if (r.wants(kScores)) ENGINE_TRY(narrow_elements(r, o.scores, dtype_, r.out(kScores).elements(), r.out(kScores).data));
  return narrow_elements(r, o.y, dtype_, r.out(kY).elements(), r.out(kY).data);
}

}  // namespace

void op_attention(OpTable& t) {
  for (int since : {23, 24, 25}) t.add<Attention>("", "Attention", since, 3, 7, 1, 4);
}

}  // namespace engine
