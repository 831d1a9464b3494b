#include "base/checked.h"
#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

class Tile final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    c.set(0, c.dtype(0), Shape::filled(in.rank(), kUnknownDim));
    ENGINE_ASSIGN(bool known, c.opset() >= 6 ? read_repeats(c) : read_axis_repeat(c));
    if (!known) return {};
    Shape out = in;
    bool same = true;
    for (int i = 0; i < in.rank(); ++i) {
      same = same && repeats_[size_t(i)] == 1;
      if (repeats_[size_t(i)] < 0) return error(Code::InvalidModel, "repeats has the value %lld", (long long)repeats_[size_t(i)]);
      if (in[i] != kUnknownDim && !checked_mul(in[i], repeats_[size_t(i)], &out[i]))
        return error(Code::InvalidModel, "axis %d of %lld elements repeated %lld times is too long", i, (long long)in[i],
                     (long long)repeats_[size_t(i)]);
      if (in[i] == kUnknownDim && repeats_[size_t(i)] != 1) out[i] = kUnknownDim;
    }
    c.set(0, c.dtype(0), out);
    if (same) c.set_view(0, 0);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    int64_t from[kMaxRank], to[kMaxRank], dims[2 * kMaxRank], src[2 * kMaxRank], dst[2 * kMaxRank];
    contiguous_strides(in, from);
    contiguous_strides(c.output_shape(0), to);
    for (int i = 0; i < in.rank(); ++i) {
      dims[2 * i] = repeats_[size_t(i)];
      src[2 * i] = 0;
      dst[2 * i] = to[i] * in[i];
      dims[2 * i + 1] = in[i];
      src[2 * i + 1] = from[i];
      dst[2 * i + 1] = to[i];
    }
    copy_ = StridedCopy(element_of(c.dtype(0)), 2 * in.rank(), dims, src, dst);
    return {};
  }

  Status run(OpRun& r) const override { return run_copy(r, copy_, 0, 0); }

 private:
  // Both return whether the repeats are known.
  Result<bool> read_repeats(const InferContext& c) {
    ENGINE_ASSIGN(ListState state, read_list(c, true, 1, "", &repeats_));
    if (state != ListState::Known) return false;
    if (repeats_.size() != size_t(c.shape(0).rank()))
      return error(Code::InvalidModel, "repeats has %zu values, the input %d dimensions", repeats_.size(), c.shape(0).rank());
    return true;
  }

  Result<bool> read_axis_repeat(const InferContext& c) {
    if (!c.value(1) || !c.value(2)) return false;
    if (c.value(1)->elements() != 1 || c.value(2)->elements() != 1) return error(Code::InvalidModel, "tiles and axis hold one number each");
    ENGINE_ASSIGN(int axis, normalize_axis(int64_t(number_at(*c.value(2), 0)), c.shape(0).rank()));
    repeats_.assign(size_t(c.shape(0).rank()), 1);
    repeats_[size_t(axis)] = int64_t(number_at(*c.value(1), 0));
    return true;
  }

  std::vector<int64_t> repeats_;
  StridedCopy copy_;
};

}  // namespace

void op_tile(OpTable& t) {
  t.add<Tile>("", "Tile", 1, 3, 3);
  for (int since : {6, 13}) t.add<Tile>("", "Tile", since, 2, 2);
}

}  // namespace engine
