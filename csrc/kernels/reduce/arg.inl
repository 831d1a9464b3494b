// Positions of extreme elements, over vectors. For tier files.
#pragma once

#include "kernels/reduce/reduce.inl"

namespace engine::ENGINE_TIER {

struct ArgMax {
  using Extreme = reduce_max;
  static ENGINE_INLINE Mask better(F32 a, F32 b) { return lt(b, a); }
};

struct ArgMin {
  using Extreme = reduce_min;
  static ENGINE_INLINE Mask better(F32 a, F32 b) { return lt(a, b); }
};

// The first (or last) element of the row that is `value`, which is in it; a NaN is any NaN.
ENGINE_INLINE size_t find(const float* x, size_t n, float value, bool last) {
  const bool nan = value != value;
  auto is = [value, nan](float v) { return nan ? v != v : v == value; };
  const F32 wanted = broadcast(value);
  auto any_is = [wanted, nan](F32 v) { return any(nan ? is_nan(v) : eq(v, wanted)); };
  if (last) {
    size_t end = n;
    while (end >= kWidth && !any_is(load(x + end - kWidth))) end -= kWidth;
    while (end > 0 && !is(x[end - 1])) --end;
    return end - 1;
  }
  size_t i = 0;
  while (i + kWidth <= n && !any_is(load(x + i))) i += kWidth;
  while (!is(x[i])) ++i;
  return i;
}

template <class Op>
void run_arg_rows(const float* x, size_t rows, size_t n, bool last, int64_t* y) {
  for (size_t r = 0; r < rows; ++r) {
    const float* row = x + r * n;
    y[r] = int64_t(find(row, n, accumulate(typename Op::Extreme(), Contiguous{row}, n), last));
  }
}

template <class Op>
void run_arg_columns(const float* x, size_t n, size_t stride, size_t count, bool last, int64_t* y) {
  for (size_t i = 0; i < count; i += kWidth) {
    size_t lanes = count - i < kWidth ? count - i : kWidth;
    F32 best = load(x + i, lanes);
    I32 index = broadcast(int32_t(0));
    for (size_t r = 1; r < n; ++r) {
      F32 v = load(x + i + r * stride, lanes);
      Mask nan = last ? is_nan(v) : is_nan(v) & ~is_nan(best);
      Mask take = Op::better(v, best) | nan;
      if (last) take = take | eq(v, best);
      best = select(take, v, best);
      index = select(take, broadcast(int32_t(r)), index);
    }
    int32_t lane[kWidth];
    store(lane, index);
    for (size_t k = 0; k < lanes; ++k) y[i + k] = lane[k];
  }
}

}  // namespace engine::ENGINE_TIER
