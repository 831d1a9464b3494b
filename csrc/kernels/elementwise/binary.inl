// Float32 binary, comparison, select and multiply-add kernels over vectors. For tier files.
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {

struct binary_add {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return a + b; }
};
struct binary_sub {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return a - b; }
};
struct binary_mul {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return a * b; }
};
struct binary_div {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return a / b; }
};
struct binary_min {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return min_nan(a, b); }
};
struct binary_max {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return max_nan(a, b); }
};
struct binary_pow {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return lanewise(a, b, ::powf); }
};
struct binary_prelu {
  static ENGINE_INLINE F32 apply(F32 a, F32 b) { return select(lt(a, broadcast(0.0f)), a * b, a); }
};
struct compare_equal {
  static ENGINE_INLINE Mask apply(F32 a, F32 b) { return eq(a, b); }
};
struct compare_not_equal {
  static ENGINE_INLINE Mask apply(F32 a, F32 b) { return ~eq(a, b); }
};
struct compare_less {
  static ENGINE_INLINE Mask apply(F32 a, F32 b) { return lt(a, b); }
};
struct compare_less_equal {
  static ENGINE_INLINE Mask apply(F32 a, F32 b) { return le(a, b); }
};
struct compare_greater {
  static ENGINE_INLINE Mask apply(F32 a, F32 b) { return lt(b, a); }
};
struct compare_greater_equal {
  static ENGINE_INLINE Mask apply(F32 a, F32 b) { return le(b, a); }
};

// An operand that is read element by element, or one element that is kept in every lane.
template <bool scalar>
struct Operand {
  const float* p;
  explicit Operand(const void* data) : p(static_cast<const float*>(data)) {}
  ENGINE_INLINE F32 at(size_t i) const { return load(p + i); }
  ENGINE_INLINE F32 at(size_t i, size_t n) const { return load(p + i, n); }
};
template <>
struct Operand<true> {
  F32 value;
  explicit Operand(const void* data) : value(broadcast(*static_cast<const float*>(data))) {}
  ENGINE_INLINE F32 at(size_t) const { return value; }
  ENGINE_INLINE F32 at(size_t, size_t) const { return value; }
};

template <class Op, bool a_scalar, bool b_scalar>
void run_binary(const void* left, const void* right, void* output, size_t n) {
  if (n == 0) return;
  const Operand<a_scalar> a(left);
  const Operand<b_scalar> b(right);
  float* y = static_cast<float*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, Op::apply(a.at(i), b.at(i)));
  if (i < n) store(y + i, Op::apply(a.at(i, n - i), b.at(i, n - i)), n - i);
}

template <class Op, bool a_scalar, bool b_scalar>
void run_compare(const void* left, const void* right, void* output, size_t n) {
  if (n == 0) return;
  const Operand<a_scalar> a(left);
  const Operand<b_scalar> b(right);
  uint8_t* y = static_cast<uint8_t*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store_bool(y + i, Op::apply(a.at(i), b.at(i)));
  if (i < n) store_bool(y + i, Op::apply(a.at(i, n - i), b.at(i, n - i)), n - i);
}

// x to the power e for the exponents that models use, each no less accurate than powf. False when e is another.
template <class Fn>
ENGINE_INLINE bool with_power(float e, Fn run) {
  const F32 one = broadcast(1.0f), zero = broadcast(0.0f), infinity = broadcast(INFINITY);
  if (e == 2.0f) return run([](F32 x) { return x * x; });
  if (e == 1.0f) return run([](F32 x) { return x; });
  if (e == 0.0f) return run([one](F32) { return one; });
  if (e == -1.0f) return run([one](F32 x) { return one / x; });
  if (e == 0.5f) {
    return run([zero, infinity](F32 x) { return select(eq(x, -infinity), infinity, sqrt(x) + zero); });
  }
  return false;
}

template <>
inline void run_binary<binary_pow, false, true>(const void* left, const void* right, void* output, size_t n) {
  if (n == 0) return;
  const float* x = static_cast<const float*>(left);
  float* y = static_cast<float*>(output);
  auto loop = [x, y, n](auto power) {
    size_t i = 0;
    for (; i + kWidth <= n; i += kWidth) store(y + i, power(load(x + i)));
    if (i < n) store(y + i, power(load(x + i, n - i)), n - i);
    return true;
  };
  const float e = *static_cast<const float*>(right);
  if (!with_power(e, loop)) loop([e](F32 v) { return binary_pow::apply(v, broadcast(e)); });
}

static void run_mul_add(const float* x, const float* scale_, const float* shift, float* y, size_t n) {
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, fma(load(x + i), load(scale_ + i), load(shift + i)));
  size_t rest = n - i;
  if (rest) store(y + i, fma(load(x + i, rest), load(scale_ + i, rest), load(shift + i, rest)), rest);
}

struct Bytes16 {
  uint64_t low, high;
};

template <class T, bool a_scalar, bool b_scalar>
void run_select(const uint8_t* c, const void* left, const void* right, void* output, size_t n) {
  if (n == 0) return;
  const T* a = static_cast<const T*>(left);
  const T* b = static_cast<const T*>(right);
  T* y = static_cast<T*>(output);
  const T a0 = *a, b0 = *b;
  ENGINE_IVDEP
  for (size_t i = 0; i < n; ++i) {
    T u = a_scalar ? a0 : a[i], v = b_scalar ? b0 : b[i];
    y[i] = c[i] ? u : v;
  }
}

}  // namespace engine::ENGINE_TIER
