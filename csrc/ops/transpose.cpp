#include <numeric>

#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

class Transpose final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    ENGINE_TRY(read_order(c, in.rank()));
    Shape out;
    for (int a : order_) out.push_back(in[a]);
    c.set(0, c.dtype(0), out);
    if (keeps_order(in)) c.set_view(0, 0);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& out = c.output_shape(0);
    int64_t from[kMaxRank], src[kMaxRank], dst[kMaxRank];
    contiguous_strides(c.shape(0), from);
    contiguous_strides(out, dst);
    for (size_t i = 0; i < order_.size(); ++i) src[i] = from[order_[i]];
    copy_ = StridedCopy(element_of(c.dtype(0)), out.rank(), out.begin(), src, dst);
    return {};
  }

  Status run(OpRun& r) const override { return run_copy(r, copy_, 0, 0); }

 private:
  Status read_order(const InferContext& c, int rank) {
    order_.clear();
    if (!c.has("perm")) {
      for (int i = rank - 1; i >= 0; --i) order_.push_back(i);
      return {};
    }
    std::vector<int64_t> perm = c.attr_ints("perm");
    if (perm.size() != size_t(rank))
      return error(Code::InvalidModel, "perm has %zu axes, the input has %d", perm.size(), rank);
    ENGINE_ASSIGN(order_, normalize_axes(perm, rank));
    return {};
  }

  // True when dimensions other than 1 stay in order, so that no element moves.
  bool keeps_order(const Shape& in) const {
    int last = -1;
    for (int a : order_) {
      if (in[a] == 1) continue;
      if (a < last) return false;
      last = a;
    }
    return true;
  }

  std::vector<int> order_;
  StridedCopy copy_;
};

}  // namespace

void op_transpose(OpTable& t) {
  for (int since : {1, 13, 21, 23, 24, 25}) t.add<Transpose>("", "Transpose", since, 1, 1);
}

}  // namespace engine
