// Float32 reductions over vectors. For tier files.
#pragma once

#include "kernels/reduce/reduce.h"
#include "kernels/simd/accumulate.inl"
#include "kernels/simd/math.inl"

namespace engine::ENGINE_TIER {

static_assert(kReduceBlock == kAccumulateBlock);

using reduce_sum = SumAccumulator;
using reduce_max = MaxAccumulator;

struct reduce_min {
  static ENGINE_INLINE F32 init() { return broadcast(INFINITY); }
  static ENGINE_INLINE F32 fill() { return broadcast(INFINITY); }
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return min_nan(acc, x); }
  static ENGINE_INLINE F32 combine(F32 a, F32 b) { return min_nan(a, b); }
  static ENGINE_INLINE float combine(float a, float b) { return a < b || a != a ? a : b; }
  static ENGINE_INLINE float across(F32 acc) { return min_lane(acc); }
};

struct reduce_prod {
  static ENGINE_INLINE F32 init() { return broadcast(1.0f); }
  static ENGINE_INLINE F32 fill() { return broadcast(1.0f); }
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return acc * x; }
  static ENGINE_INLINE F32 combine(F32 a, F32 b) { return a * b; }
  static ENGINE_INLINE float combine(float a, float b) { return a * b; }
  static ENGINE_INLINE float across(F32 acc) { return product(acc); }
};

struct reduce_sum_abs : SumAccumulator {
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return acc + abs(x); }
};

struct reduce_sum_square : SumAccumulator {
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return fma(x, x, acc); }
};

struct SumExp : SumAccumulator {
  F32 shift;
  explicit SumExp(F32 s) : shift(s) {}
  static ENGINE_INLINE F32 fill() { return broadcast(-INFINITY); }
  ENGINE_INLINE F32 step(F32 acc, F32 x) const { return acc + exp(x - shift); }
};

template <class Op>
void run_reduce_rows(const float* x, size_t rows, size_t n, float* y) {
  for (size_t r = 0; r < rows; ++r) y[r] = accumulate(Op(), Contiguous{x + r * n}, n);
}

template <class Op>
float run_reduce_combine(const float* partial, size_t count) {
  PairwiseTree<Op, float> tree;
  for (size_t i = 0; i < count; ++i) tree.push(partial[i]);
  return tree.result();
}

static void run_sum_exp_rows(const float* x, const float* shift, size_t rows, size_t n, float* y) {
  for (size_t r = 0; r < rows; ++r) y[r] = accumulate(SumExp(broadcast(shift[r])), Contiguous{x + r * n}, n);
}

// Rows a leaf of a column's tree.
inline constexpr size_t kColumnBlock = 32;

// One vector of columns: elements p + r stride, of which `lanes` are read.
template <class Op>
ENGINE_INLINE F32 accumulate_column(const Op& op, const float* p, size_t n, size_t stride, size_t lanes) {
  PairwiseTree<Op, F32> tree;
  size_t r = 0;
  do {
    size_t end = n - r < kColumnBlock ? n : r + kColumnBlock;
    F32 acc = op.init();
    if (lanes == kWidth) {
      for (; r < end; ++r) acc = op.step(acc, load(p + r * stride));
    } else {
      for (; r < end; ++r) acc = op.step(acc, load(p + r * stride, lanes));
    }
    tree.push(acc);
  } while (r < n);
  return tree.result();
}

// Four adjacent vectors of columns, in the same order, for the memory's sake.
template <class Op>
ENGINE_INLINE void accumulate_columns4(const Op& op, const float* p, size_t n, size_t stride, float* y) {
  PairwiseTree<Op, F32> t0, t1, t2, t3;
  size_t r = 0;
  do {
    size_t end = n - r < kColumnBlock ? n : r + kColumnBlock;
    F32 a0 = op.init(), a1 = a0, a2 = a0, a3 = a0;
    for (; r < end; ++r) {
      const float* q = p + r * stride;
      a0 = op.step(a0, load(q));
      a1 = op.step(a1, load(q + kWidth));
      a2 = op.step(a2, load(q + 2 * kWidth));
      a3 = op.step(a3, load(q + 3 * kWidth));
    }
    t0.push(a0);
    t1.push(a1);
    t2.push(a2);
    t3.push(a3);
  } while (r < n);
  store(y, t0.result());
  store(y + kWidth, t1.result());
  store(y + 2 * kWidth, t2.result());
  store(y + 3 * kWidth, t3.result());
}

template <class Op>
void run_reduce_columns(const float* x, size_t n, size_t stride, size_t count, float* y) {
  size_t i = 0;
  for (; i + 4 * kWidth <= count; i += 4 * kWidth) accumulate_columns4(Op(), x + i, n, stride, y + i);
  for (; i < count; i += kWidth) {
    size_t lanes = count - i < kWidth ? count - i : kWidth;
    store(y + i, accumulate_column(Op(), x + i, n, stride, lanes), lanes);
  }
}

static void run_sum_exp_columns(const float* x, const float* shift, size_t n, size_t stride, size_t count, float* y) {
  for (size_t i = 0; i < count; i += kWidth) {
    size_t lanes = count - i < kWidth ? count - i : kWidth;
    SumExp op(load(shift + i, lanes));
    store(y + i, accumulate_column(op, x + i, n, stride, lanes), lanes);
  }
}

}  // namespace engine::ENGINE_TIER
