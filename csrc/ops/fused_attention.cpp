// engine.Attention: softmax(scale * Q' K'^T + mask) V' over permuted views of float32 operands.
//   inputs      Q, K, V, mask (optional; broadcasts to the scores)
//   attributes  q_perm, k_perm, v_perm: views [heads, rows, depth] or [batch, heads, rows, depth] (absent: none); K and V may
//               have fewer heads, each for as many consecutive heads of Q. out_perm: what Transpose does to the result, the
//               last dimension staying. scale. nan_rows_to_zero: 1 when rows of NaN become zeros.
#include <algorithm>

#include "ops/attention/attention_core.h"
#include "ops/product/strided.h"

namespace engine {
namespace {

class FusedAttention final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i : {0, 1, 2}) ENGINE_TRY(c.require(i, dtypes::kFloat32));
    if (c.has_input(3)) ENGINE_TRY(c.require(3, dtypes::kFloat32));
    c.set(0, DType::Float);
    if (!c.known(0) || !c.known(1) || !c.known(2) || (c.has_input(3) && !c.known(3))) return {};
    ENGINE_ASSIGN(Strided q, view(c, 0, "q_perm"));
    ENGINE_ASSIGN(Strided k, view(c, 1, "k_perm"));
    ENGINE_ASSIGN(Strided v, view(c, 2, "v_perm"));
    bool fits = k.shape[0] == q.shape[0] && v.shape[0] == q.shape[0] && k.shape[1] == v.shape[1] && k.shape[1] > 0 &&
                q.shape[1] % k.shape[1] == 0 && k.shape[3] == q.shape[3] && k.shape[2] == v.shape[2];
    if (!fits)
      return error(Code::InvalidModel, "views of shapes %s, %s and %s do not fit each other", q.shape.text().c_str(), k.shape.text().c_str(),
                   v.shape.text().c_str());
    AttentionShape& s = core_.shape;
    s.batch = q.shape[0], s.heads = q.shape[1], s.rows = q.shape[2], s.depth = q.shape[3];
    s.kv_heads = k.shape[1], s.keys = k.shape[2], s.value_depth = v.shape[3];
    s.q = strides(q), s.k = strides(k), s.v = strides(v);
    core_.scale = c.attr_float("scale", 1);
    core_.empty_rows = c.attr_int("nan_rows_to_zero", 0) ? EmptyRows::AlwaysZero : EmptyRows::Nan;
    ENGINE_TRY(infer_mask(c));
    return infer_output(c);
  }

  Status prepare(PrepareContext& c) override {
    int64_t shared = 0;
    ENGINE_TRY(core_.prepare(c, &shared));
    c.need_shared_scratch(shared);
    return {};
  }

  Status run(OpRun& r) const override {
    AttentionCore::Operands o;
    o.q = r.in<float>(0), o.k = r.in<float>(1), o.v = r.in<float>(2), o.y = r.out<float>(0);
    if (r.has(3)) o.mask = r.in(3).data;
    return core_.run(r, o);
  }

 private:
  // The permuted operand with four dimensions.
  static Result<Strided> view(const InferContext& c, int i, const char* name) {
    std::vector<int64_t> perm = c.attr_ints(name);
    Strided s = strided(c.shape(i));
    if ((s.rank() != 3 && s.rank() != 4) || (!perm.empty() && !is_permutation(perm, s.rank())))
      return error(Code::InvalidModel, "input %d has shape %s, which does not fit %s", i, c.shape(i).text().c_str(), name);
    if (!perm.empty()) s = permuted(s, perm);
    if (s.rank() == 4) return s;
    Strided four;
    four.shape = Shape{1, s.shape[0], s.shape[1], s.shape[2]};
    four.strides[0] = 0;
    for (int d = 0; d < 3; ++d) four.strides[d + 1] = s.strides[d];
    return four;
  }

  static HeadStrides strides(const Strided& s) { return {s.strides[0], s.strides[1], s.strides[2], s.strides[3]}; }

  Status infer_mask(InferContext& c) {
    if (!c.has_input(3)) return {};
    const Shape& m = c.shape(3);
    const AttentionShape& s = core_.shape;
    int64_t own[kMaxRank], full[4] = {}, want[4] = {s.batch, s.heads, s.rows, s.keys};
    contiguous_strides(m, own);
    bool fits = m.rank() <= 4;
    for (int d = 0; fits && d < m.rank(); ++d) {
      int at = 4 - m.rank() + d;
      fits = m[d] == 1 || m[d] == want[at];
      full[at] = m[d] == 1 ? 0 : own[d];
    }
    if (!fits) return error(Code::InvalidModel, "mask has shape %s, which does not broadcast to the scores", m.text().c_str());
    core_.mask = AttentionMask::Float;
    core_.shape.mask = {full[0], full[1], full[2], full[3]};
    return {};
  }

  Status infer_output(InferContext& c) {
    AttentionShape& s = core_.shape;
    int rank = c.shape(0).rank();
    Shape result = rank == 3 ? Shape{s.heads, s.rows, s.value_depth} : Shape{s.batch, s.heads, s.rows, s.value_depth};
    std::vector<int64_t> perm = c.attr_ints("out_perm");
    if (perm.empty())
      for (int d = 0; d < rank; ++d) perm.push_back(d);
    if (!is_permutation(perm, rank) || perm.back() != rank - 1) return error(Code::InvalidModel, "out_perm does not fit %d dimensions", rank);
    Shape out;
    for (int64_t axis : perm) out.push_back(result[int(axis)]);
    Strided stored = strided(out);
    int64_t back[4] = {};
    for (int d = 0; d < rank; ++d) back[perm[size_t(d)] + 4 - rank] = stored.strides[d];
    s.y = {back[0], back[1], back[2], 1};
    c.set(0, DType::Float, out);
    return {};
  }

  AttentionCore core_;
};

}  // namespace

void op_fused_attention(OpTable& t) { t.add<FusedAttention>("engine", "Attention", 1, 3, 4); }

}  // namespace engine
