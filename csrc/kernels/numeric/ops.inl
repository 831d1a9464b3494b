// One-element forms of the binary, comparison and integer unary operations, for any C++ number. For tier files.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/simd/compiler.h"

namespace engine::ENGINE_TIER {

// wide: an unsigned type in which T's arithmetic wraps without promotion to a signed int; bits: T without its sign.
template <class T>
struct Number;
#define ENGINE_NUMBER(T, U, B, integer, is_signed) \
  template <>                                      \
  struct Number<T> {                               \
    using wide = U;                                \
    using bits = B;                                \
    static constexpr bool kInteger = integer;      \
    static constexpr bool kSigned = is_signed;     \
    static constexpr int kBits = 8 * sizeof(T);    \
  };
ENGINE_NUMBER(float, float, float, false, true)
ENGINE_NUMBER(double, double, double, false, true)
ENGINE_NUMBER(int8_t, uint32_t, uint8_t, true, true)
ENGINE_NUMBER(int16_t, uint32_t, uint16_t, true, true)
ENGINE_NUMBER(int32_t, uint32_t, uint32_t, true, true)
ENGINE_NUMBER(int64_t, uint64_t, uint64_t, true, true)
ENGINE_NUMBER(uint8_t, uint32_t, uint8_t, true, false)
ENGINE_NUMBER(uint16_t, uint32_t, uint16_t, true, false)
ENGINE_NUMBER(uint32_t, uint32_t, uint32_t, true, false)
ENGINE_NUMBER(uint64_t, uint64_t, uint64_t, true, false)
#undef ENGINE_NUMBER

template <class T>
using Wide = typename Number<T>::wide;

ENGINE_INLINE float remainder_of(float a, float b) { return ::fmodf(a, b); }
ENGINE_INLINE double remainder_of(double a, double b) { return ::fmod(a, b); }
ENGINE_INLINE float power_of(float a, float b) { return ::powf(a, b); }
ENGINE_INLINE double power_of(double a, double b) { return ::pow(a, b); }
ENGINE_INLINE float with_sign(float a, float b) { return ::copysignf(a, b); }
ENGINE_INLINE double with_sign(double a, double b) { return ::copysign(a, b); }

// Division by -1 is a wrapping negation, since the lowest value has no positive counterpart.
template <class T>
ENGINE_INLINE T integer_div(T a, T b) {
  if (b == 0) return 0;
  if (Number<T>::kSigned && b == T(-1)) return T(Wide<T>(0) - Wide<T>(a));
  return T(a / b);
}

template <class T>
ENGINE_INLINE T integer_rem(T a, T b) {
  if (b == 0 || (Number<T>::kSigned && b == T(-1))) return 0;
  return T(a % b);
}

template <class T>
T integer_pow(T base, T exponent) {
  if (exponent < 0) return base == 1 ? T(1) : base == T(-1) ? ((exponent & 1) ? T(-1) : T(1)) : T(0);
  Wide<T> result = 1, factor = Wide<T>(base);
  for (Wide<T> e = Wide<T>(exponent); e != 0; e >>= 1) {
    if (e & 1) result *= factor;
    factor *= factor;
  }
  return T(result);
}

// kSignless: the same bits for signed and unsigned operands, so that one loop serves both.
#define ENGINE_NUMERIC_OP(name, integers, floats, signless, ...)          \
  struct numeric_##name {                                                 \
    static constexpr bool kSignless = signless;                           \
    template <class T>                                                    \
    static constexpr bool kHas = Number<T>::kInteger ? integers : floats; \
    template <class T>                                                    \
    static ENGINE_INLINE auto apply(T a, T b) {                           \
      [[maybe_unused]] constexpr bool kInteger = Number<T>::kInteger;     \
      __VA_ARGS__                                                         \
    }                                                                     \
  };

ENGINE_NUMERIC_OP(add, true, true, true, return T(Wide<T>(a) + Wide<T>(b));)
ENGINE_NUMERIC_OP(sub, true, true, true, return T(Wide<T>(a) - Wide<T>(b));)
ENGINE_NUMERIC_OP(mul, true, true, true, return T(Wide<T>(a) * Wide<T>(b));)
ENGINE_NUMERIC_OP(div, true, true, false, {
  if constexpr (kInteger)
    return integer_div(a, b);
  else
    return a / b;
})
ENGINE_NUMERIC_OP(min, true, true, false, return a < b || a != a ? a : b;)
ENGINE_NUMERIC_OP(max, true, true, false, return a > b || a != a ? a : b;)
ENGINE_NUMERIC_OP(pow, true, true, false, {
  if constexpr (kInteger)
    return integer_pow(a, b);
  else
    return power_of(a, b);
})
ENGINE_NUMERIC_OP(prelu, true, true, false, return a < 0 ? T(Wide<T>(a) * Wide<T>(b)) : a;)
ENGINE_NUMERIC_OP(mod, true, true, false, {
  if constexpr (kInteger) {
    T r = integer_rem(a, b);
    return r != 0 && (r < 0) != (b < 0) ? T(Wide<T>(r) + Wide<T>(b)) : r;
  } else {
    T r = remainder_of(a, b);
    if (r == 0) return with_sign(T(0), b);
    return (r < 0) != (b < 0) ? r + b : r;
  }
})
ENGINE_NUMERIC_OP(fmod, true, true, false, {
  if constexpr (kInteger)
    return integer_rem(a, b);
  else
    return remainder_of(a, b);
})
ENGINE_NUMERIC_OP(bit_and, true, false, true, return T(a & b);)
ENGINE_NUMERIC_OP(bit_or, true, false, true, return T(a | b);)
ENGINE_NUMERIC_OP(bit_xor, true, false, true, return T(a ^ b);)
ENGINE_NUMERIC_OP(shift_left, true, false, false,
                  return b >= 0 && b < T(Number<T>::kBits) ? T(Wide<T>(a) << (Wide<T>(b) % Number<T>::kBits)) : T(0);)
ENGINE_NUMERIC_OP(shift_right, true, false, false, {
  constexpr int kLast = Number<T>::kBits - 1;
  bool inside = b >= 0 && b <= T(kLast);
  if (!inside && !Number<T>::kSigned) return T(0);
  return T(a >> (inside ? int(b) : kLast));
})

ENGINE_NUMERIC_OP(equal, true, true, true, return uint8_t(a == b);)
ENGINE_NUMERIC_OP(not_equal, true, true, true, return uint8_t(a != b);)
ENGINE_NUMERIC_OP(less, true, true, false, return uint8_t(a < b);)
ENGINE_NUMERIC_OP(less_equal, true, true, false, return uint8_t(a <= b);)
ENGINE_NUMERIC_OP(greater, true, true, false, return uint8_t(a > b);)
ENGINE_NUMERIC_OP(greater_equal, true, true, false, return uint8_t(a >= b);)
#undef ENGINE_NUMERIC_OP

}  // namespace engine::ENGINE_TIER
