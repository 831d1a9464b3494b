#include "ops/product/product_shape.h"

#include <algorithm>

namespace engine {
namespace {

Status mismatch(const Shape& a, const Shape& b) {
  return error(Code::InvalidModel, "operands of shapes %s and %s cannot be multiplied", a.text().c_str(), b.text().c_str());
}

Shape leading(const Shape& s) {
  Shape out;
  for (int i = 0; i + 2 < s.rank(); ++i) out.push_back(s[i]);
  return out;
}

void erase_batch(ProductShape& s, int d) {
  for (int i = d; i + 1 < s.batch_rank; ++i) {
    s.batch[i] = s.batch[i + 1];
    s.a_batch[i] = s.a_batch[i + 1];
    s.b_batch[i] = s.b_batch[i + 1];
    s.c_batch[i] = s.c_batch[i + 1];
  }
  --s.batch_rank;
}

void merge_batches_into_rows(ProductShape& s) {
  while (s.batch_rank > 0) {
    int d = s.batch_rank - 1;
    if (s.b_batch[d] != 0 || s.batch[d] == 0) return;
    if (s.m == 1) s.a_row = s.a_batch[d], s.c_row = s.c_batch[d];
    else if (s.a_batch[d] != s.m * s.a_row || s.c_batch[d] != s.m * s.c_row) return;
    s.m *= s.batch[d];
    erase_batch(s, d);
  }
}

void flip(ProductShape& s) {
  std::swap(s.m, s.n);
  std::swap(s.a_row, s.b_col);
  std::swap(s.a_col, s.b_row);
  for (int d = 0; d < s.batch_rank; ++d) std::swap(s.a_batch[d], s.b_batch[d]);
  s.flipped = true;
}

}  // namespace

Result<Shape> matmul_shape(const Shape& a, const Shape& b) {
  if (a.rank() == 0 || b.rank() == 0) return mismatch(a, b);
  int64_t ak = a.back(), bk = b[b.rank() == 1 ? 0 : b.rank() - 2];
  if (ak >= 0 && bk >= 0 && ak != bk) return mismatch(a, b);
  Result<Shape> batches = broadcast_shapes(leading(a), leading(b));
  if (!batches.ok()) return mismatch(a, b);
  Shape out = batches.take();
  if (a.rank() > 1) out.push_back(a[a.rank() - 2]);
  if (b.rank() > 1) out.push_back(b.back());
  return out;
}

Strided as_matrix(const Strided& view, bool left) {
  if (view.rank() != 1) return view;
  Strided out;
  int64_t size = view.shape[0], stride = view.strides[0];
  out.shape = left ? Shape{1, size} : Shape{size, 1};
  out.strides[left ? 0 : 1] = 0;
  out.strides[left ? 1 : 0] = stride;
  return out;
}

ProductShape product_shape(const Strided& a, const Strided& b, const Strided& c, bool may_flip) {
  ProductShape s;
  int ar = a.rank(), br = b.rank(), cr = c.rank();
  s.m = a.shape[ar - 2], s.k = a.shape[ar - 1], s.n = b.shape[br - 1];
  s.a_row = a.strides[ar - 2], s.a_col = a.strides[ar - 1];
  s.b_row = b.strides[br - 2], s.b_col = b.strides[br - 1];
  s.c_row = c.strides[cr - 2];
  if (s.k <= 1) s.a_col = s.b_row = 1;
  for (int d = 0; d < cr - 2; ++d) {
    s.batches *= c.shape[d];
    if (c.shape[d] == 1) continue;
    int i = s.batch_rank++, da = d - (cr - ar), db = d - (cr - br);
    s.batch[i] = c.shape[d];
    s.a_batch[i] = da >= 0 && a.shape[da] != 1 ? a.strides[da] : 0;
    s.b_batch[i] = db >= 0 && b.shape[db] != 1 ? b.strides[db] : 0;
    s.c_batch[i] = c.strides[d];
  }
  merge_batches_into_rows(s);
  s.batches = 1;
  for (int d = 0; d < s.batch_rank; ++d) s.batches *= s.batch[d];
  if (may_flip && s.n == 1 && s.m > 1 && s.c_row == 1) flip(s);
  return s;
}

}  // namespace engine
