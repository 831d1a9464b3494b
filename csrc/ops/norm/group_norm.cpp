#include "ops/norm/group_norm.h"

#include <cmath>

#include "base/checked.h"
#include "ops/norm/affine.h"

namespace engine {
namespace {

constexpr int64_t kLongRow = 1 << 16;  // groups above this are cut into blocks
constexpr int64_t kBlock = 16384;

double element_ns(DType dtype) { return dtype == DType::Double ? 3 : 0.5; }

}  // namespace

Status GroupNorm::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kFloats));
  for (int i : {1, 2}) {
    ENGINE_TRY(c.require(i, dtypes::kFloats));
    ENGINE_TRY(c.require_same(0, i));
  }
  epsilon_ = c.attr_float("epsilon", 1e-5f);
  c.set(0, c.type(0));
  c.allow_in_place(0, 0);
  if (!c.has_rank(0)) return {};
  const Shape& x = c.shape(0);
  if (x.rank() < 2) return error(Code::InvalidModel, "the input has shape %s; [N, C, ...] is needed", x.text().c_str());
  if (grouping_ == Grouping::Groups) groups_ = c.attr_int("num_groups", 0);
  else groups_ = x[1];
  if (x[1] == kUnknownDim) return {};
  if (grouping_ == Grouping::Groups && (groups_ <= 0 || x[1] % groups_ != 0))
    return error(Code::InvalidModel, "num_groups is %lld; %lld channels are not divided by it", (long long)groups_, (long long)x[1]);
  for (int i : {1, 2}) {
    if (!c.known(i)) continue;
    bool per_group = grouping_ == Grouping::Groups && c.opset() < 21;
    int64_t want = per_group ? groups_ : x[1];
    if (c.shape(i).elements() != want)
      return error(Code::InvalidModel, "input %d has shape %s; %lld elements are needed", i, c.shape(i).text().c_str(), (long long)want);
  }
  return {};
}

Status GroupNorm::prepare(PrepareContext& c) {
  const Shape& x = c.shape(0);
  batch_ = x[0];
  channels_ = x[1];
  plane_ = x.elements(2, x.rank());
  row_ = groups_ > 0 ? channels_ / groups_ * plane_ : 0;
  blocks_ = row_ > kLongRow ? ceil_div(row_, kBlock) : 1;
  copy_ = computed_copy(c.dtype(0), x.elements());
  int64_t moments = blocks_ > 1 ? batch_ * groups_ * (blocks_ + 1) * int64_t(sizeof(MeanVariance)) : 0;
  c.need_shared_scratch(copy_ + moments);
  return {};
}

template <class T>
void GroupNorm::scale_channel(OpRun& r, const T* x, T* y, int64_t n, int64_t channel, double mean, double inv_std) const {
  int64_t at = r.in(1).elements() == channels_ ? channel : channel / (channels_ / groups_);
  affine(x, y, n, mean, inv_std * number_at(r.in(1), at), number_at(r.in(2), at));
}

template <class T>
Status GroupNorm::normalise(OpRun& r, const T* x, T* y, char* scratch) const {
  int64_t rows = batch_ * groups_, per_group = channels_ / groups_;
  double ns = element_ns(r.in(0).dtype);
  auto inverse = [&](const MeanVariance& m) { return 1 / std::sqrt(m.variance() + double(epsilon_)); };
  if (blocks_ == 1)
    return r.parallel(rows, 20 + ns * double(row_) + 10 * double(per_group), [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        const T* from = x + row * row_;
        MeanVariance m = mean_variance(from, row_);
        double inv_std = inverse(m);
        for (int64_t k = 0; k < per_group; ++k)
          scale_channel(r, from + k * plane_, y + row * row_ + k * plane_, plane_, row % groups_ * per_group + k, m.mean, inv_std);
      }
    });
  auto* totals = reinterpret_cast<MeanVariance*>(scratch);
  MeanVariance* parts = totals + rows;
  ENGINE_TRY(r.parallel(rows * blocks_, 0.6 * ns * double(kBlock), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at = i % blocks_ * kBlock;
      parts[i] = mean_variance(x + i / blocks_ * row_ + at, std::min(kBlock, row_ - at));
    }
  }));
  ENGINE_TRY(r.parallel(rows, 5 * double(blocks_), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      MeanVariance total;
      for (int64_t b = 0; b < blocks_; ++b) total.merge(parts[row * blocks_ + b]);
      totals[row] = total;
    }
  }));
  int64_t strips = ceil_div(plane_, kBlock);
  return r.parallel(batch_ * channels_ * strips, 10 + 0.5 * ns * double(std::min(plane_, kBlock)), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t plane = i / strips, first = i % strips * kBlock, channel = plane % channels_, at = plane * plane_ + first;
      const MeanVariance& m = totals[plane / per_group];
      scale_channel(r, x + at, y + at, std::min(kBlock, plane_ - first), channel, m.mean, inverse(m));
    }
  });
}

Status GroupNorm::run(OpRun& r) const {
  if (r.in(0).elements() == 0) return {};
  char* scratch = r.shared_scratch();
  return with_computed_floats(r, scratch, [&](auto* x, auto* y) { return normalise(r, x, y, scratch + copy_); });
}

}  // namespace engine
