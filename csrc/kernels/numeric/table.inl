// The loops over ops.inl and the table of one tier. For tier files.
#pragma once

#include "kernels/numeric/numeric.h"
#include "kernels/numeric/ops.inl"

namespace engine::ENGINE_TIER {

template <class Op, class T, bool a_scalar, bool b_scalar>
void run_numeric(const void* left, const void* right, void* output, size_t n) {
  if (n == 0) return;
  using Y = decltype(Op::apply(T(), T()));
  const T* a = static_cast<const T*>(left);
  const T* b = static_cast<const T*>(right);
  Y* y = static_cast<Y*>(output);
  const T a0 = *a, b0 = *b;
  ENGINE_IVDEP
  for (size_t i = 0; i < n; ++i) y[i] = Op::apply(a_scalar ? a0 : a[i], b_scalar ? b0 : b[i]);
}

template <class Op, class T, bool a_scalar, bool b_scalar>
constexpr BinaryFn numeric_form() {
  if constexpr (!Op::template kHas<T>) return nullptr;
  else if constexpr (Op::kSignless) return run_numeric<Op, typename Number<T>::bits, a_scalar, b_scalar>;
  else return run_numeric<Op, T, a_scalar, b_scalar>;
}

struct integer_copy {
  template <class T>
  static ENGINE_INLINE T apply(T x) {
    return x;
  }
};
struct integer_abs {
  template <class T>
  static ENGINE_INLINE T apply(T x) {
    return x < 0 ? T(Wide<T>(0) - Wide<T>(x)) : x;
  }
};
struct integer_neg {
  template <class T>
  static ENGINE_INLINE T apply(T x) {
    return T(Wide<T>(0) - Wide<T>(x));
  }
};
struct integer_sign {
  template <class T>
  static ENGINE_INLINE T apply(T x) {
    return T((x > 0) - (x < 0));
  }
};
struct integer_relu {
  template <class T>
  static ENGINE_INLINE T apply(T x) {
    return x < 0 ? T(0) : x;
  }
};
struct integer_square {
  template <class T>
  static ENGINE_INLINE T apply(T x) {
    return T(Wide<T>(x) * Wide<T>(x));
  }
};

template <class Op, class T>
void run_integer(const void* input, void* output, size_t n, const UnaryParams&) {
  const T* x = static_cast<const T*>(input);
  T* y = static_cast<T*>(output);
  ENGINE_IVDEP
  for (size_t i = 0; i < n; ++i) y[i] = Op::apply(x[i]);
}

template <class T>
constexpr UnaryFn integer_unary(UnaryOp op) {
  switch (op) {
    case UnaryOp::copy: return run_integer<integer_copy, T>;
    case UnaryOp::abs: return run_integer<integer_abs, T>;
    case UnaryOp::neg: return run_integer<integer_neg, T>;
    case UnaryOp::sign: return run_integer<integer_sign, T>;
    case UnaryOp::relu: return run_integer<integer_relu, T>;
    case UnaryOp::square: return run_integer<integer_square, T>;
    default: return nullptr;
  }
}

template <class Op, class T>
constexpr void fill_forms(BinaryFn (&forms)[kBroadcasts]) {
  forms[int(Broadcast::none)] = numeric_form<Op, T, false, false>();
  forms[int(Broadcast::scalar_right)] = numeric_form<Op, T, false, true>();
  forms[int(Broadcast::scalar_left)] = numeric_form<Op, T, true, false>();
}

template <class T>
constexpr void fill_type(NumericKernels& table, ElementType type) {
  const int t = int(type);
  if constexpr (Number<T>::kInteger) {
    for (int op = 0; op < kUnaryOps; ++op) table.unary[t][op] = integer_unary<T>(UnaryOp(op));
  }
#define ENGINE_BINARY(name) fill_forms<numeric_##name, T>(table.binary[t][int(BinaryOp::name)]);
#include "kernels/elementwise/binary.inc"
#undef ENGINE_BINARY
#define ENGINE_COMPARE(name) fill_forms<numeric_##name, T>(table.compare[t][int(CompareOp::name)]);
#include "kernels/elementwise/compare.inc"
#undef ENGINE_COMPARE
}

// What has no vector form in the elementwise family.
constexpr void fill_float32(NumericKernels& table) {
#define ENGINE_BINARY(name) fill_forms<numeric_##name, float>(table.binary[int(ElementType::f32)][int(BinaryOp::name)]);
#define ENGINE_BINARY_F32(name)
#include "kernels/elementwise/binary.inc"
#undef ENGINE_BINARY
}

constexpr NumericKernels make_numeric_table() {
  NumericKernels table{};
  fill_float32(table);
  fill_type<double>(table, ElementType::f64);
  fill_type<int8_t>(table, ElementType::i8);
  fill_type<int16_t>(table, ElementType::i16);
  fill_type<int32_t>(table, ElementType::i32);
  fill_type<int64_t>(table, ElementType::i64);
  fill_type<uint8_t>(table, ElementType::u8);
  fill_type<uint16_t>(table, ElementType::u16);
  fill_type<uint32_t>(table, ElementType::u32);
  fill_type<uint64_t>(table, ElementType::u64);
  return table;
}

extern const NumericKernels numeric_table;
constinit const NumericKernels numeric_table = make_numeric_table();

}  // namespace engine::ENGINE_TIER
