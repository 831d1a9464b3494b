// Tensors of indices: reading int32 and int64 alike, negative indices, reporting one that is out of range.
#pragma once

#include <atomic>

#include "ops/op.h"

namespace engine {

// The elements of an int32 or int64 tensor.
class Indices {
 public:
  explicit Indices(const Tensor& t) : data_(t.data), wide_(t.dtype == DType::Int64) {}
  int64_t operator[](int64_t i) const {
    return wide_ ? static_cast<const int64_t*>(data_)[i] : static_cast<const int32_t*>(data_)[i];
  }

 private:
  const void* data_;
  bool wide_;
};

// Calls fn(pointer) with the elements of an int32 or int64 tensor as what they are, for loops over many.
template <class Fn>
void with_indices(const Tensor& t, Fn&& fn) {
  if (t.dtype == DType::Int64) fn(t.as<const int64_t>());
  else fn(t.as<const int32_t>());
}

// Collects the first (in order of position) index that is out of range, from any number of workers.
class IndexCheck {
 public:
  // `index` in [-limit, limit) as an index in [0, limit); others are noted with their position and become -1.
  int64_t wrap(int64_t index, int64_t limit, int64_t position) {
    if (uint64_t(index) < uint64_t(limit)) return index;
    if (index < 0 && index >= -limit) return index + limit;
    note(position);
    return -1;
  }
  void note(int64_t position) {
    int64_t seen = first_.load(std::memory_order_relaxed);
    while (position < seen && !first_.compare_exchange_weak(seen, position, std::memory_order_relaxed)) {
    }
  }
  // InvalidInput that names the index and what it indexes; fine when none was noted.
  Status status(const Tensor& indices, int64_t limit) const {
    int64_t at = first_.load(std::memory_order_relaxed);
    if (at == INT64_MAX) return {};
    return error(Code::InvalidInput, "index %lld (element %lld of the indices) is out of range for %lld elements",
                 (long long)Indices(indices)[at], (long long)at, (long long)limit);
  }

 private:
  std::atomic<int64_t> first_{INT64_MAX};
};

}  // namespace engine
