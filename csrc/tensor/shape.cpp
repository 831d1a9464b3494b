#include "tensor/shape.h"

#include <algorithm>

#include "base/checked.h"

namespace engine {

Result<Shape> Shape::from(const int64_t* dims, int64_t rank) {
  if (rank > kMaxRank) return error(Code::InvalidModel, "%lld dimensions; at most %d are supported", (long long)rank, kMaxRank);
  Shape s;
  for (int64_t i = 0; i < rank; ++i) s.push_back(dims[i]);
  return s;
}

std::string Shape::text() const {
  std::string out = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i) out += ", ";
    out += dims_[i] < 0 ? std::string("?") : std::to_string(dims_[i]);
  }
  return out + "]";
}

Result<int64_t> checked_bytes(const Shape& shape, int64_t element_size) {
  int64_t n = element_size;
  bool zero = false;
  for (int64_t d : shape) {
    if (d < 0) return error(Code::InvalidModel, "shape %s has a negative dimension", shape.text().c_str());
    if (d == 0) zero = true;
  }
  if (zero) return int64_t(0);
  for (int64_t d : shape)
    if (!checked_mul(n, d, &n)) return error(Code::InvalidModel, "shape %s is too large", shape.text().c_str());
  return n;
}

Result<int> normalize_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank)
    return error(Code::InvalidModel, "axis %lld is out of range for %d dimensions", (long long)axis, rank);
  return int(axis < 0 ? axis + rank : axis);
}

Result<Shape> broadcast_shapes(const Shape& a, const Shape& b) {
  int rank = std::max(a.rank(), b.rank());
  Shape out = Shape::filled(rank, 1);
  for (int i = 0; i < rank; ++i) {
    int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da == db) out[i] = da;
    else if (da == 1) out[i] = db;
    else if (db == 1) out[i] = da;
    else if (da == kUnknownDim) out[i] = db;
    else if (db == kUnknownDim) out[i] = da;
    else return error(Code::InvalidModel, "shapes %s and %s do not broadcast", a.text().c_str(), b.text().c_str());
  }
  return out;
}

void contiguous_strides(const Shape& shape, int64_t* strides) {
  int64_t n = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = n;
    n *= shape[i];
  }
}

}  // namespace engine
