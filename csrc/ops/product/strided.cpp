#include "ops/product/strided.h"

#include <utility>

namespace engine {

Strided strided(const Shape& shape) {
  Strided view;
  view.shape = shape;
  contiguous_strides(shape, view.strides);
  return view;
}

Strided permuted(const Strided& view, std::span<const int64_t> perm) {
  Strided out;
  for (size_t i = 0; i < perm.size(); ++i) {
    out.shape.push_back(view.shape[int(perm[i])]);
    out.strides[i] = view.strides[perm[i]];
  }
  return out;
}

Strided transposed(const Strided& view) {
  Strided out = view;
  int last = view.rank() - 1;
  std::swap(out.shape[last], out.shape[last - 1]);
  std::swap(out.strides[last], out.strides[last - 1]);
  return out;
}

bool is_permutation(std::span<const int64_t> perm, int rank) {
  if (perm.size() != size_t(rank)) return false;
  unsigned seen = 0;
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank || (seen >> axis & 1u)) return false;
    seen |= 1u << axis;
  }
  return true;
}

}  // namespace engine
