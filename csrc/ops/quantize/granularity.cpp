#include "ops/quantize/granularity.h"

#include "base/checked.h"

namespace engine {
namespace {

bool differ(int64_t a, int64_t b) { return a != b && a != kUnknownDim && b != kUnknownDim; }

Status misfit(const Shape& x, const Shape& scale, int axis, int64_t block) {
  return error(Code::InvalidModel, "scale of shape %s does not fit data of shape %s with axis %d and block size %lld",
               scale.text().c_str(), x.text().c_str(), axis, (long long)block);
}

}  // namespace

Result<Granularity> Granularity::of(const Shape& x, const Shape& scale, int64_t axis, int64_t block_size) {
  Granularity g;
  if (block_size < 0) return error(Code::InvalidModel, "block_size is %lld; it must not be negative", (long long)block_size);
  bool single = scale.rank() == 0 || (scale.rank() == 1 && scale[0] == 1);
  if (single && block_size == 0) return g;
  ENGINE_ASSIGN(int a, normalize_axis(axis, x.rank()));
  if (block_size == 0) {
    if (scale.rank() != 1 || differ(scale[0], x[a])) return misfit(x, scale, a, 0);
    g.kind_ = Kind::Axis;
  } else {
    if (scale.rank() != x.rank()) return misfit(x, scale, a, block_size);
    for (int d = 0; d < x.rank(); ++d) {
      int64_t blocks = d != a || x[d] == kUnknownDim ? x[d] : x[d] / block_size + (x[d] % block_size != 0);
      if (differ(blocks, scale[d])) return misfit(x, scale, a, block_size);
    }
    g.kind_ = Kind::Block;
  }
  if (!x.known() || !scale.known()) return g;
  g.length_ = x[a];
  g.inner_ = x.elements(a + 1, x.rank());
  g.block_ = block_size;
  g.blocks_ = g.kind_ == Kind::Block ? scale[a] : 1;
  return g;
}

Granularity::Run Granularity::run_at(int64_t e) const {
  if (kind_ == Kind::Tensor) return {0, INT64_MAX, false};
  int64_t k = e % inner_, i = e / inner_ % length_, outer = e / inner_ / length_;
  if (kind_ == Kind::Axis) {
    if (inner_ > 1) return {i, inner_ - k, false};
    return {i, length_ - i, true};
  }
  int64_t row = outer * blocks_ + i / block_;
  if (inner_ > 1) return {row * inner_ + k, inner_ - k, true};
  return {row, std::min(block_ - i % block_, length_ - i), false};
}

}  // namespace engine
