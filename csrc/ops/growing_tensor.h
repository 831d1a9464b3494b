// A tensor that gains one slice along a new first axis at a time (a scan output of Loop).
#pragma once

#include <algorithm>

#include "base/checked.h"
#include "ops/op.h"

namespace engine {

class GrowingTensor {
 public:
  // Appends a copy of `slice`. The first call decides dtype and shape. `expected`: how many slices there will be at most.
  Status append(OpRun& r, const Tensor& slice, int64_t expected) {
    if (count_ == 0) ENGINE_TRY(start(r, slice, expected));
    if (slice.dtype != whole_.dtype || !(slice.shape == slice_shape_))
      return error(Code::InvalidInput, "a scan output is %s%s in iteration %lld, but was %s%s before", dtype_name(slice.dtype),
                   slice.shape.text().c_str(), (long long)count_, dtype_name(whole_.dtype), slice_shape_.text().c_str());
    if (count_ == whole_.shape[0]) ENGINE_TRY(grow(r, expected));
    ENGINE_TRY(r.copy(slice, whole_.as<char>() + count_ * slice_bytes_));
    ++count_;
    return {};
  }

  int64_t count() const { return count_; }

  // The tensor of all slices. REQUIRES: count() > 0.
  Result<Tensor> finish(OpRun& r) {
    if (whole_.shape[0] > 2 * count_) ENGINE_TRY(resize(r, count_));
    whole_.shape[0] = count_;
    return std::move(whole_);
  }

 private:
  static constexpr int64_t kAtOnceBytes = int64_t(64) << 20;
  static constexpr int64_t kFirstSlices = 16;

  Status start(OpRun& r, const Tensor& slice, int64_t expected) {
    if (slice.shape.rank() == kMaxRank) return error(Code::UnsupportedOperator, "a scan output has too many dimensions");
    slice_shape_ = slice.shape;
    slice_bytes_ = slice.bytes();
    int64_t at_once = slice_bytes_ > 0 ? kAtOnceBytes / slice_bytes_ : kAtOnceBytes;
    int64_t capacity = expected <= at_once ? expected : std::min(expected, std::max<int64_t>(kFirstSlices, 1));
    Shape shape = slice.shape;
    shape.insert(0, std::max<int64_t>(capacity, 1));
    ENGINE_ASSIGN(whole_, r.make(slice.dtype, shape));
    return {};
  }

  Status grow(OpRun& r, int64_t expected) {
    int64_t more = std::max<int64_t>(whole_.shape[0], 1);
    int64_t limit = std::max(expected, count_ + 1);
    return resize(r, count_ > limit - more ? limit : count_ + more);
  }

  Status resize(OpRun& r, int64_t capacity) {
    Shape shape = slice_shape_;
    shape.insert(0, capacity);
    ENGINE_ASSIGN(Tensor larger, r.make(whole_.dtype, shape));
    whole_.shape[0] = count_;
    if (whole_.dtype == DType::String) {
      std::string *from = whole_.as<std::string>(), *to = larger.as<std::string>();
      ENGINE_TRY(r.parallel(whole_.elements(), 10, [&](int64_t begin, int64_t end, int) { std::move(from + begin, from + end, to + begin); }));
    } else {
      ENGINE_TRY(r.copy(whole_, larger.data));
    }
    whole_ = std::move(larger);
    return {};
  }

  Tensor whole_;
  Shape slice_shape_;
  int64_t slice_bytes_ = 0, count_ = 0;
};

}  // namespace engine
