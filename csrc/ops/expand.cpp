#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

class Expand final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    std::vector<int64_t> wanted;
    ENGINE_ASSIGN(ListState state, read_list(c, true, 1, "", &wanted));
    if (!c.has_rank(0) || state != ListState::Known) return {};
    ENGINE_ASSIGN(Shape shape, Shape::from(wanted.data(), int64_t(wanted.size())));
    for (int64_t d : shape)
      if (d < 0) return error(Code::InvalidModel, "a dimension of the wanted shape is %lld", (long long)d);
    ENGINE_ASSIGN(Shape out, broadcast_shapes(c.shape(0), shape));
    c.set(0, c.dtype(0), out);
    if (c.known(0) && out.known() && holds_same(c.shape(0), out)) c.set_view(0, 0);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape &in = c.shape(0), &out = c.output_shape(0);
    int64_t from[kMaxRank], src[kMaxRank], dst[kMaxRank];
    contiguous_strides(in, from);
    contiguous_strides(out, dst);
    for (int i = 0; i < out.rank(); ++i) {
      int k = i - (out.rank() - in.rank());
      src[i] = k < 0 || in[k] == 1 ? 0 : from[k];
    }
    copy_ = StridedCopy(element_of(c.dtype(0)), out.rank(), out.begin(), src, dst);
    return {};
  }

  Status run(OpRun& r) const override { return run_copy(r, copy_, 0, 0); }

 private:
  // True when broadcasting only adds dimensions of 1.
  static bool holds_same(const Shape& in, const Shape& out) {
    int added = out.rank() - in.rank();
    for (int i = 0; i < out.rank(); ++i)
      if (out[i] != (i < added ? 1 : in[i - added])) return false;
    return true;
  }

  StridedCopy copy_;
};

}  // namespace

void op_expand(OpTable& t) {
  for (int since : {8, 13}) t.add<Expand>("", "Expand", since, 2, 2);
}

}  // namespace engine
