// A tensor's elements seen through strides: transposed operands without copies.
#pragma once

#include <span>

#include "tensor/shape.h"

namespace engine {

// Element [i0, i1, ...] is at i0 * strides[0] + i1 * strides[1] + ..., in elements.
struct Strided {
  Shape shape;
  int64_t strides[kMaxRank];

  int rank() const { return shape.rank(); }
};

// Row-major. REQUIRES: shape.known().
Strided strided(const Shape& shape);

// Dimension i becomes what dimension perm[i] was. REQUIRES: perm is a permutation of [0, rank).
Strided permuted(const Strided& view, std::span<const int64_t> perm);

// The last two dimensions swapped. REQUIRES: rank >= 2.
Strided transposed(const Strided& view);

// True when perm is a permutation of [0, rank).
bool is_permutation(std::span<const int64_t> perm, int rank);

}  // namespace engine
