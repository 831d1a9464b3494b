// Which scale and zero point belongs to which element: per tensor, per index of an axis, or per block along an axis.
#pragma once

#include <algorithm>

#include "ops/op.h"

namespace engine {

class Granularity {
 public:
  // x: rank known, dimensions may be unknown (then nothing more than ranks is checked); scale likewise.
  // block_size 0: not blocked. InvalidModel when the scale's shape does not fit.
  static Result<Granularity> of(const Shape& x, const Shape& scale, int64_t axis, int64_t block_size);

  bool per_tensor() const { return kind_ == Kind::Tensor; }
  int64_t inner() const { return inner_; }

  // Calls fn(at, scale, varies, n) for runs that cover elements [begin, end): n elements from `at` on, whose scale is
  // element `scale` of the scale tensor, or elements scale, scale + 1, ... when it varies.
  template <class Fn>
  void each_run(int64_t begin, int64_t end, Fn&& fn) const {
    for (int64_t at = begin; at < end;) {
      Run run = run_at(at);
      int64_t n = std::min(run.length, end - at);
      fn(at, run.scale, run.varies, n);
      at += n;
    }
  }

 private:
  enum class Kind : uint8_t { Tensor, Axis, Block };
  struct Run {
    int64_t scale, length;
    bool varies;
  };
  Run run_at(int64_t element) const;

  Kind kind_ = Kind::Tensor;
  int64_t length_ = 1, inner_ = 1, block_ = 1, blocks_ = 1;
};

}  // namespace engine
