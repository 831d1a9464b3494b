// The geometry of a stack of matrix products C = A B.
#pragma once

#include "ops/product/strided.h"

namespace engine {

// Strides in elements. Batch b of the stack has, in each operand, the offset that batch_offset tells.
struct ProductShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t a_row = 0, a_col = 0, b_row = 0, b_col = 0, c_row = 0;
  int batch_rank = 0;
  int64_t batch[kMaxRank], a_batch[kMaxRank], b_batch[kMaxRank], c_batch[kMaxRank];
  int64_t batches = 1;
  // A and B have changed places: the product computed is the transpose, C being one row of it.
  bool flipped = false;
};

// The shape of numpy.matmul(a, b); ranks from 1 on, dimensions may be unknown. InvalidModel that shows both.
Result<Shape> matmul_shape(const Shape& a, const Shape& b);

// numpy.matmul's view of an operand of rank 1: a row (left) or a column (right).
Strided as_matrix(const Strided& view, bool left);

// The geometry for operands of rank >= 2 and C of shape [batch..., m, n] whose columns are contiguous. Batches over which
// B stays the same are merged into m where A and C allow it; a product with a single column is flipped where it may.
// REQUIRES: shapes known and matching (matmul_shape).
ProductShape product_shape(const Strided& a, const Strided& b, const Strided& c, bool may_flip = true);

// The offset of batch `index` given the operand's batch strides.
inline int64_t batch_offset(const ProductShape& s, const int64_t* strides, int64_t index) {
  int64_t offset = 0;
  for (int d = s.batch_rank - 1; d >= 0; --d) {
    offset += index % s.batch[d] * strides[d];
    index /= s.batch[d];
  }
  return offset;
}

}  // namespace engine
