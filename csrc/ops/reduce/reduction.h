// Reductions over any set of axes, as passes over [outer, length, inner] from the innermost reduced run of axes outwards.
//
// The order in which elements are combined follows from the shape alone: long runs are cut into blocks of fixed length, whose
// results are combined by a pass of their own.
#pragma once

#include <vector>

#include "kernels/reduce/reduce.h"
#include "ops/op.h"

namespace engine {

enum class Reduction : uint8_t { Sum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare };

class ReductionPlan {
 public:
  ReductionPlan() = default;
  // reduced[i]: axis i is reduced. computed: float32, float64, an integer type of 8 (Max, Min), 32 or 64 bits; Mean, L2,
  // LogSum and LogSumExp take floats only. REQUIRES: `in` is known.
  ReductionPlan(Reduction kind, DType computed, const Shape& in, const bool* reduced);

  // Bytes of scratch memory that run needs.
  int64_t scratch() const { return scratch_elements_ * dtype_size(computed_); }
  int64_t outputs() const { return outputs_; }
  // x: the input, y: outputs() elements, both of the computed type; no overlap.
  Status run(OpRun& r, const void* x, void* y, void* scratch) const;

 private:
  struct Pass {
    int64_t outer, length, inner;
    int64_t block = 0, blocks = 1;  // `length` in blocks of `block`
    int64_t outputs() const { return outer * inner; }
    int64_t partials() const { return blocks > 1 ? outer * blocks * inner : 0; }
  };
  static Pass make_pass(int64_t outer, int64_t length, int64_t inner);
  template <class T>
  Status run_typed(OpRun& r, const T* x, T* y, T* scratch) const;
  template <class T>
  Status run_pass(OpRun& r, const Pass& pass, bool first, bool last, const T* x, T* y, T* shift, T* partial) const;

  Reduction kind_ = Reduction::Sum;
  DType computed_ = DType::Float;
  std::vector<Pass> passes_;
  int64_t outputs_ = 0, count_ = 1;          // elements behind one output
  int64_t middle_ = 0, partials_ = 0;        // elements of a result between passes; of the results of blocks
  int64_t scratch_elements_ = 0;
};

}  // namespace engine
