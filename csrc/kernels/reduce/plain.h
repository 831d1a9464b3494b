// Plain reductions of any arithmetic type, for operators: the types that have no kernels of their own.
// The same shapes and meanings as reduce.h. Integers wrap. Elements are taken in order, one accumulator a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/reduce/reduce.h"

namespace engine::plain {

// The type in which T's arithmetic wraps.
template <class T>
using Wrapping = std::conditional_t<std::is_integral_v<T>, std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>, T>;

template <class T>
T add(T a, T b) {
  return T(Wrapping<T>(a) + Wrapping<T>(b));
}

template <class T>
T multiply(T a, T b) {
  return T(Wrapping<T>(a) * Wrapping<T>(b));
}

// An accumulator of T starts at init(); step(acc, x) takes one element more.
template <class T>
struct Sum {
  static constexpr T init() { return T(0); }
  static T step(T acc, T x) { return add(acc, x); }
};

template <class T>
struct SumAbs {
  static constexpr T init() { return T(0); }
  static T step(T acc, T x) { return add(acc, x < 0 ? T(Wrapping<T>(0) - Wrapping<T>(x)) : x); }
};

template <class T>
struct SumSquare {
  static constexpr T init() { return T(0); }
  static T step(T acc, T x) { return add(acc, multiply(x, x)); }
};

template <class T>
struct Prod {
  static constexpr T init() { return T(1); }
  static T step(T acc, T x) { return multiply(acc, x); }
};

template <class T>
struct Max {
  static constexpr T init() {
    return std::numeric_limits<T>::has_infinity ? T(-std::numeric_limits<T>::infinity()) : std::numeric_limits<T>::lowest();
  }
  static T step(T acc, T x) { return acc > x || acc != acc ? acc : x; }
};

template <class T>
struct Min {
  static constexpr T init() {
    return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  static T step(T acc, T x) { return acc < x || acc != acc ? acc : x; }
};

template <template <class> class Op, class T>
void reduce_rows(const T* x, size_t rows, size_t n, T* y) {
  for (size_t r = 0; r < rows; ++r) {
    T acc = Op<T>::init();
    for (size_t i = 0; i < n; ++i) acc = Op<T>::step(acc, x[r * n + i]);
    y[r] = acc;
  }
}

// REQUIRES: y overlaps nothing of x.
template <template <class> class Op, class T>
void reduce_columns(const T* x, size_t n, size_t stride, size_t count, T* y) {
  for (size_t i = 0; i < count; ++i) y[i] = Op<T>::init();
  for (size_t r = 0; r < n; ++r)
    for (size_t i = 0; i < count; ++i) y[i] = Op<T>::step(y[i], x[r * stride + i]);
}

// Calls f with the accumulator of `op`: with_reduce(op, [&]<template <class> class Op>() { ... }).
template <class F>
void with_reduce(ReduceOp op, F&& f) {
  switch (op) {
    case ReduceOp::sum: return f.template operator()<Sum>();
    case ReduceOp::max: return f.template operator()<Max>();
    case ReduceOp::min: return f.template operator()<Min>();
    case ReduceOp::prod: return f.template operator()<Prod>();
    case ReduceOp::sum_abs: return f.template operator()<SumAbs>();
    case ReduceOp::sum_square: return f.template operator()<SumSquare>();
  }
}

// The position of the extreme element among x[r stride], 0 <= r < n, as in reduce.h. REQUIRES: n > 0.
template <bool want_max, class T>
int64_t arg_extreme(const T* x, size_t n, size_t stride, bool last) {
  size_t best = 0;
  for (size_t r = 1; r < n; ++r) {
    T v = x[r * stride], b = x[best * stride];
    bool v_nan = v != v, b_nan = b != b;
    bool better = want_max ? v > b : v < b;
    if (b_nan ? (last && v_nan) : (v_nan || better || (last && v == b))) best = r;
  }
  return int64_t(best);
}

}  // namespace engine::plain
