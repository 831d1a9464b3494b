// Float32 unary kernels over vectors. For tier files.
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/math.inl"

namespace engine::ENGINE_TIER {

// What a functor may read: both parameters in every lane.
struct UnaryArgs {
  F32 a, b;
};

#define ENGINE_UNARY_OP(name, ...)                              \
  struct unary_##name {                                         \
    static ENGINE_INLINE F32 apply(F32 x, const UnaryArgs& p) { \
      [[maybe_unused]] const F32 zero = broadcast(0.0f);        \
      [[maybe_unused]] const F32 one = broadcast(1.0f);         \
      __VA_ARGS__                                               \
    }                                                           \
  };

ENGINE_UNARY_OP(copy, return x;)
ENGINE_UNARY_OP(abs, return abs(x);)
ENGINE_UNARY_OP(neg, return -x;)
ENGINE_UNARY_OP(sign, return select(lt(zero, x), one, select(lt(x, zero), -one, x + zero));)
ENGINE_UNARY_OP(ceil, return ceil(x);)
ENGINE_UNARY_OP(floor, return floor(x);)
ENGINE_UNARY_OP(round, return round_even(x);)
ENGINE_UNARY_OP(trunc, return trunc(x);)
ENGINE_UNARY_OP(sqrt, return sqrt(x);)
ENGINE_UNARY_OP(rsqrt, return one / sqrt(x);)
ENGINE_UNARY_OP(reciprocal, return one / x;)
ENGINE_UNARY_OP(square, return x * x;)
ENGINE_UNARY_OP(cube, return x * x * x;)
ENGINE_UNARY_OP(exp, return exp(x);)
ENGINE_UNARY_OP(log, return log(x);)
ENGINE_UNARY_OP(sin, return sin(x);)
ENGINE_UNARY_OP(cos, return cos(x);)
ENGINE_UNARY_OP(tan, return lanewise(x, ::tanf);)
ENGINE_UNARY_OP(asin, return lanewise(x, ::asinf);)
ENGINE_UNARY_OP(acos, return lanewise(x, ::acosf);)
ENGINE_UNARY_OP(atan, return lanewise(x, ::atanf);)
ENGINE_UNARY_OP(sinh, return lanewise(x, ::sinhf);)
ENGINE_UNARY_OP(cosh, return lanewise(x, ::coshf);)
ENGINE_UNARY_OP(asinh, return lanewise(x, ::asinhf);)
ENGINE_UNARY_OP(acosh, return lanewise(x, ::acoshf);)
ENGINE_UNARY_OP(atanh, return lanewise(x, ::atanhf);)
ENGINE_UNARY_OP(tanh, return tanh(x);)
ENGINE_UNARY_OP(erf, return erf(x);)
ENGINE_UNARY_OP(sigmoid, return sigmoid(x);)
ENGINE_UNARY_OP(relu, return max(zero, x);)
ENGINE_UNARY_OP(leaky_relu, return select(lt(x, zero), p.a * x, x);)
ENGINE_UNARY_OP(elu, return select(lt(x, zero), p.a * expm1_negative(min(zero, x)), x);)
ENGINE_UNARY_OP(selu, return p.b * select(le(x, zero), p.a * expm1_negative(min(zero, x)), x);)
ENGINE_UNARY_OP(celu, {
  F32 z = x / p.a;
  F32 e = select(le(z, zero), expm1_negative(min(zero, z)), exp(z) - one);
  return max(zero, x) + min(zero, p.a * e);
})
ENGINE_UNARY_OP(softplus, return softplus(x);)
ENGINE_UNARY_OP(softsign, return x / (one + abs(x));)
ENGINE_UNARY_OP(hard_sigmoid, return max(zero, min(one, fma(p.a, x, p.b)));)
ENGINE_UNARY_OP(hard_swish, return x * max(zero, min(one, fma(x, broadcast(1.0f / 6.0f), broadcast(0.5f))));)
ENGINE_UNARY_OP(clip, return min(p.b, max(p.a, x));)
ENGINE_UNARY_OP(gelu_erf, return gelu_erf(x);)
ENGINE_UNARY_OP(gelu_tanh, return gelu_tanh(x);)
ENGINE_UNARY_OP(silu, return silu(x, p.a);)
ENGINE_UNARY_OP(mish, return mish(x);)
ENGINE_UNARY_OP(thresholded_relu, return select(le(x, p.a), zero, x);)
ENGINE_UNARY_OP(shrink, return select(lt(x, -p.a), x + p.b, select(lt(p.a, x), x - p.b, zero));)
ENGINE_UNARY_OP(affine, return fma(x, p.a, p.b);)
ENGINE_UNARY_OP(add_scalar, return x + p.a;)
ENGINE_UNARY_OP(mul_scalar, return x * p.a;)
#undef ENGINE_UNARY_OP

template <class Op>
void run_unary(const void* input, void* output, size_t n, const UnaryParams& params) {
  const float* x = static_cast<const float*>(input);
  float* y = static_cast<float*>(output);
  const UnaryArgs args = {broadcast(params.a), broadcast(params.b)};
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, Op::apply(load(x + i), args));
  if (i < n) store(y + i, Op::apply(load(x + i, n - i), args), n - i);
}

struct predicate_is_nan {
  static ENGINE_INLINE Mask apply(F32 x) { return is_nan(x); }
};
struct predicate_is_inf {
  static ENGINE_INLINE Mask apply(F32 x) { return eq(abs(x), broadcast(INFINITY)); }
};
struct predicate_is_positive_inf {
  static ENGINE_INLINE Mask apply(F32 x) { return eq(x, broadcast(INFINITY)); }
};
struct predicate_is_negative_inf {
  static ENGINE_INLINE Mask apply(F32 x) { return eq(x, broadcast(-INFINITY)); }
};

template <class Op>
void run_predicate(const void* input, void* output, size_t n, const UnaryParams&) {
  const float* x = static_cast<const float*>(input);
  uint8_t* y = static_cast<uint8_t*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store_bool(y + i, Op::apply(load(x + i)));
  if (i < n) store_bool(y + i, Op::apply(load(x + i, n - i)), n - i);
}

}  // namespace engine::ENGINE_TIER
