// Which result of a reduction an element of its input belongs to.
#pragma once

#include "tensor/shape.h"

namespace engine {

class ReducedIndex {
 public:
  ReducedIndex() = default;
  ReducedIndex(const Shape& shape, const bool* reduced) : shape_(shape) {
    int64_t stride = 1;
    for (int d = shape.rank() - 1; d >= 0; --d) {
      stride_[d] = reduced[d] ? 0 : stride;
      if (!reduced[d]) stride *= shape[d];
    }
  }

  // Calls f(element, result) for the elements [begin, end) in order.
  template <class F>
  void each(int64_t begin, int64_t end, F&& f) const {
    int64_t index[kMaxRank] = {}, rest = begin, at = 0;
    for (int d = shape_.rank() - 1; d >= 0 && begin < end; --d) {
      index[d] = rest % shape_[d];
      rest /= shape_[d];
      at += index[d] * stride_[d];
    }
    for (int64_t i = begin; i < end; ++i) {
      f(i, at);
      for (int d = shape_.rank() - 1; d >= 0; --d) {
        at += stride_[d];
        if (++index[d] < shape_[d]) break;
        at -= shape_[d] * stride_[d];
        index[d] = 0;
      }
    }
  }

 private:
  Shape shape_;
  int64_t stride_[kMaxRank] = {};
};

}  // namespace engine
