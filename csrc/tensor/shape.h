// Dimensions of a tensor, inline.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/status.h"

namespace engine {

inline constexpr int kMaxRank = 12;
// A dimension that is not known yet (load time only).
inline constexpr int64_t kUnknownDim = -1;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }
  // `rank` dimensions of `fill`. REQUIRES: rank <= kMaxRank.
  static Shape filled(int rank, int64_t fill) {
    Shape s;
    for (int i = 0; i < rank; ++i) s.push_back(fill);
    return s;
  }
  // InvalidModel when there are more than kMaxRank dimensions.
  static Result<Shape> from(const int64_t* dims, int64_t rank);

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[i]; }
  int64_t& operator[](int i) { return dims_[i]; }
  const int64_t* begin() const { return dims_; }
  const int64_t* end() const { return dims_ + rank_; }
  int64_t back() const { return dims_[rank_ - 1]; }
  // REQUIRES: rank() < kMaxRank.
  void push_back(int64_t d) { dims_[rank_++] = d; }
  // REQUIRES: 0 <= i <= rank() < kMaxRank.
  void insert(int i, int64_t d) {
    for (int j = rank_; j > i; --j) dims_[j] = dims_[j - 1];
    dims_[i] = d;
    ++rank_;
  }
  void erase(int i) {
    for (int j = i; j + 1 < rank_; ++j) dims_[j] = dims_[j + 1];
    --rank_;
  }
  // True when no dimension is kUnknownDim.
  bool known() const {
    for (int64_t d : *this)
      if (d < 0) return false;
    return true;
  }
  // Product of the dimensions [first, last). REQUIRES: known and checked (see checked_elements).
  int64_t elements(int first, int last) const {
    int64_t n = 1;
    for (int i = first; i < last; ++i) n *= dims_[i];
    return n;
  }
  int64_t elements() const { return elements(0, rank_); }
  bool operator==(const Shape& o) const {
    if (rank_ != o.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (dims_[i] != o.dims_[i]) return false;
    return true;
  }
  // "[2, 3, ?]"
  std::string text() const;

 private:
  int32_t rank_ = 0;
  int64_t dims_[kMaxRank];
};

// The product of a known shape's dimensions times `element_size`, or InvalidModel on overflow or a negative dimension.
Result<int64_t> checked_bytes(const Shape& shape, int64_t element_size);

// The axis in [0, rank) that `axis` in [-rank, rank) names, or InvalidModel.
Result<int> normalize_axis(int64_t axis, int rank);

// numpy broadcasting of two shapes (dimensions may be unknown), or InvalidModel that shows both.
Result<Shape> broadcast_shapes(const Shape& a, const Shape& b);

// Row-major strides in elements.
void contiguous_strides(const Shape& shape, int64_t* strides);

}  // namespace engine
