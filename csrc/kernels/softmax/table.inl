// Softmax over vectors and the table of one tier. For tier files.
#pragma once

#include "kernels/simd/accumulate.inl"
#include "kernels/simd/math.inl"
#include "kernels/softmax/softmax.h"

namespace engine::ENGINE_TIER {

// scale x + mask.
struct ScaledMasked {
  const float* x;
  const float* mask;
  F32 factor;
  ENGINE_INLINE F32 at(size_t i) const { return fma(load(x + i), factor, load(mask + i)); }
  ENGINE_INLINE F32 at(size_t i, size_t n, F32 other) const {
    float lane[kWidth];
    store(lane, fma(load(x + i, n), factor, load(mask + i, n)));
    return load_or(lane, n, other);
  }
};

struct Scaled {
  const float* x;
  F32 factor;
  ENGINE_INLINE F32 at(size_t i) const { return load(x + i) * factor; }
  ENGINE_INLINE F32 at(size_t i, size_t n, F32 other) const {
    float lane[kWidth];
    store(lane, load(x + i, n) * factor);
    return load_or(lane, n, other);
  }
};

// e^(source - shift), written to y as it is read.
template <class Source>
struct ExpInto {
  Source source;
  F32 shift;
  float* y;
  ENGINE_INLINE F32 at(size_t i) const {
    F32 e = exp_negative(source.at(i) - shift);
    store(y + i, e);
    return e;
  }
  ENGINE_INLINE F32 at(size_t i, size_t n, F32 other) const {
    store(y + i, exp_negative(source.at(i, n, other) - shift), n);
    return load_or(y + i, n, other);
  }
};

ENGINE_INLINE void multiply_row(float* y, size_t n, float factor) {
  const F32 f = broadcast(factor);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, load(y + i) * f);
  if (i < n) store(y + i, load(y + i, n - i) * f, n - i);
}

template <class Source>
ENGINE_INLINE void softmax_row(const Source& source, float* y, size_t n) {
  const F32 shift = broadcast(accumulate(MaxAccumulator(), source, n));
  const float total = accumulate(SumAccumulator(), ExpInto<Source>{source, shift, y}, n);
  multiply_row(y, n, 1.0f / total);
}

static void run_softmax_rows(const SoftmaxRows& a) {
  for (size_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.n;
    float* y = a.y + r * a.n;
    if (a.mask) {
      softmax_row(ScaledMasked{x, a.mask + r * a.mask_stride, broadcast(a.scale)}, y, a.n);
    } else if (a.scale != 1.0f) {
      softmax_row(Scaled{x, broadcast(a.scale)}, y, a.n);
    } else {
      softmax_row(Contiguous{x}, y, a.n);
    }
  }
}

struct ExpSum : SumAccumulator {
  F32 shift;
  explicit ExpSum(F32 s) : shift(s) {}
  static ENGINE_INLINE F32 fill() { return broadcast(-INFINITY); }
  ENGINE_INLINE F32 step(F32 acc, F32 x) const { return acc + exp_negative(x - shift); }
};

// log of one value, in the arithmetic of the vectors.
ENGINE_INLINE float log_of(float x) {
  float lane[kWidth];
  store(lane, log(broadcast(x)));
  return lane[0];
}

static void run_log_softmax_rows(const SoftmaxRows& a) {
  for (size_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.n;
    float* y = a.y + r * a.n;
    const F32 shift = broadcast(accumulate(MaxAccumulator(), Contiguous{x}, a.n));
    const F32 log_total = broadcast(log_of(accumulate(ExpSum(shift), Contiguous{x}, a.n)));
    size_t i = 0;
    for (; i + kWidth <= a.n; i += kWidth) store(y + i, load(x + i) - shift - log_total);
    if (i < a.n) store(y + i, load(x + i, a.n - i) - shift - log_total, a.n - i);
  }
}

// Rows a leaf of a column's tree of sums.
inline constexpr size_t kSoftmaxColumnBlock = 32;

// The maximum of a vector of columns and the sum of its exponentials.
struct ColumnTotals {
  F32 shift, total;
};

ENGINE_INLINE ColumnTotals column_totals(const float* x, size_t n, size_t stride, size_t lanes) {
  F32 shift = broadcast(-INFINITY);
  for (size_t r = 0; r < n; ++r) shift = max_nan(shift, load(x + r * stride, lanes));
  PairwiseTree<SumAccumulator, F32> tree;
  for (size_t r = 0; r < n;) {
    size_t end = n - r < kSoftmaxColumnBlock ? n : r + kSoftmaxColumnBlock;
    F32 acc = broadcast(0.0f);
    for (; r < end; ++r) acc = acc + exp_negative(load(x + r * stride, lanes) - shift);
    tree.push(acc);
  }
  return {shift, tree.result()};
}

static void run_softmax_columns(const SoftmaxColumns& a) {
  if (a.n == 0) return;
  for (size_t i = 0; i < a.count; i += kWidth) {
    const size_t lanes = a.count - i < kWidth ? a.count - i : kWidth;
    const ColumnTotals t = column_totals(a.x + i, a.n, a.stride, lanes);
    const F32 factor = broadcast(1.0f) / t.total;
    for (size_t r = 0; r < a.n; ++r) {
      size_t at = r * a.stride + i;
      store(a.y + at, exp_negative(load(a.x + at, lanes) - t.shift) * factor, lanes);
    }
  }
}

static void run_log_softmax_columns(const SoftmaxColumns& a) {
  if (a.n == 0) return;
  for (size_t i = 0; i < a.count; i += kWidth) {
    const size_t lanes = a.count - i < kWidth ? a.count - i : kWidth;
    const ColumnTotals t = column_totals(a.x + i, a.n, a.stride, lanes);
    const F32 log_total = log(t.total);
    for (size_t r = 0; r < a.n; ++r) {
      size_t at = r * a.stride + i;
      store(a.y + at, load(a.x + at, lanes) - t.shift - log_total, lanes);
    }
  }
}

extern const SoftmaxKernels softmax_table;
const SoftmaxKernels softmax_table = {run_softmax_rows, run_log_softmax_rows, run_softmax_columns,
                                      run_log_softmax_columns};

}  // namespace engine::ENGINE_TIER
