// Elementary functions of F32 vectors, written once over vec.h and compiled in each tier.
//
// Each lane's result depends on that lane alone. NaN gives NaN; infinities give the limit where it exists; results
// below the normal range are rounded gradually. The largest errors over all floats, in units in the last place, are
// asserted by tests/kernels/test_simd.py:
//   exp 1.1, expm1 (x <= 0) 1, log 1, log1p (0 <= x <= 1) 2, tanh 3, sigmoid 3, erf 1.5, sin and cos 2
// and for the composed activations, relative to max(|y|, |x| / 2): gelu_erf 2, gelu_tanh, silu and mish 3, softplus 2.
// The polynomials are minimax fits whose relative error is below 2^-27.
#pragma once

#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {

// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
ENGINE_INLINE F32 polynomial(F32, float c0) { return broadcast(c0); }
template <class... Rest>
ENGINE_INLINE F32 polynomial(F32 x, float c0, Rest... rest) {
  return fma(polynomial(x, rest...), x, broadcast(c0));
}

// x = n ln 2 + r with integral n and |r| <= ln 2 / 2, and em1 = e^r - 1.
struct ExpReduced {
  F32 n, em1;
};

ENGINE_INLINE ExpReduced reduce_exp(F32 x) {
  F32 n = round_even(x * broadcast(1.44269504f));
  F32 r = fnma(n, broadcast(0x1.62e4p-1f), x);
  r = fnma(n, broadcast(1.42860677e-6f), r);
  F32 q = polynomial(r, 0.50000000955f, 0.166665183803f, 0.0416662045017f, 0.00836894664738f, 0.00139505834556f);
  return {n, fma(q, r * r, r)};
}

ENGINE_INLINE F32 exp(F32 x) {
  F32 clamped = max(broadcast(-104.0f), min(broadcast(89.0f), x));
  ExpReduced e = reduce_exp(clamped);
  return scale(e.em1 + broadcast(1.0f), e.n);
}

// e^x, but 0 where that is below the normal numbers: products with the rest would take some CPUs a hundred times as long.
// REQUIRES: x <= 0 or NaN in each lane.
ENGINE_INLINE F32 exp_negative(F32 x) {
  const F32 least = broadcast(-87.3365f);
  ExpReduced e = reduce_exp(max(least, x));
  return select(lt(x, least), broadcast(0.0f), scale_normal(e.em1 + broadcast(1.0f), e.n));
}

// 2^x. REQUIRES: -126 <= x <= 0 or NaN in each lane.
ENGINE_INLINE F32 exp2_negative(F32 x) {
  F32 n = round_even(x);
  F32 p = polynomial(x - n, 1.0f, 0.693147182f, 0.240226477f, 0.0555033237f, 0.00961843692f, 0.00133988773f,
                     0.000153533707f);
  return scale_normal(p, n);
}

// e^x - 1. REQUIRES: x <= 0 or NaN in each lane.
ENGINE_INLINE F32 expm1_negative(F32 x) {
  ExpReduced e = reduce_exp(max(broadcast(-30.0f), x));
  F32 s = scale_normal(broadcast(1.0f), e.n);
  return fma(s, e.em1, s - broadcast(1.0f));
}

// log(1 + f) + n ln 2 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1.
ENGINE_INLINE F32 log_reduced(F32 f, F32 n) {
  F32 q = polynomial(f, 0.333333166318f, -0.250008021372f, 0.200022985768f, -0.166247656505f, 0.141809341465f,
                     -0.131269898647f, 0.128833795969f, -0.0786574595288f);
  F32 square = f * f;
  F32 y = fma(q, square * f, n * broadcast(1.42860677e-6f));
  y = fnma(broadcast(0.5f), square, y);
  return fma(n, broadcast(0x1.62e4p-1f), f + y);
}

ENGINE_INLINE F32 log(F32 x) {
  Mask small = lt(x, broadcast(0x1p-126f));
  F32 scaled = select(small, x * broadcast(0x1p25f), x);
  I32 u = bits(scaled) - broadcast(int32_t(0x3f3504f3));
  I32 exponent = shift_right<23>(u + broadcast(int32_t(127 << 23))) - broadcast(int32_t(127));
  F32 mantissa = as_float((u & broadcast(int32_t(0x007fffff))) + broadcast(int32_t(0x3f3504f3)));
  F32 n = to_float(exponent) - select(small, broadcast(25.0f), broadcast(0.0f));
  F32 y = log_reduced(mantissa - broadcast(1.0f), n);
  y = select(eq(x, broadcast(INFINITY)) | is_nan(x), x, y);
  y = select(eq(x, broadcast(0.0f)), broadcast(-INFINITY), y);
  return select(lt(x, broadcast(0.0f)), broadcast(NAN), y);
}

// log(1 + x). REQUIRES: 0 <= x <= 1 or NaN in each lane.
ENGINE_INLINE F32 log1p_unit(F32 x) {
  Mask large = lt(broadcast(0.41421356f), x);
  F32 f = select(large, (x - broadcast(1.0f)) * broadcast(0.5f), x);
  return log_reduced(f, select(large, broadcast(1.0f), broadcast(0.0f)));
}

ENGINE_INLINE F32 tanh(F32 x) {
  F32 t = expm1_negative(abs(x) * broadcast(-2.0f));
  return copysign(t / (t + broadcast(2.0f)), x);
}

ENGINE_INLINE F32 sigmoid(F32 x) {
  F32 e = exp(-abs(x)), one = broadcast(1.0f);
  return select(lt(x, broadcast(0.0f)), e, one) / (one + e);
}

// x + x P(x^2) near zero, else 1 - e^G(|x|) where G is log(erfc).
ENGINE_INLINE F32 erf(F32 x) {
  F32 u = x * x, t = min(broadcast(4.0f), abs(x));
  F32 p = polynomial(u, 0.128379160229f, -0.376125718364f, 0.112827174178f, -0.0268025488346f, 0.00505109693412f,
                     -0.000631514270739f);
  F32 g = polynomial(t, -0.000104561287057f, -1.12806084097f, -0.636519232054f, -0.104525653374f, 0.0225189121782f,
                     -0.00311781632163f, 0.000203672674136f);
  return select(lt(t, broadcast(0.85f)), fma(x, p, x), copysign(expm1_negative(g), x));
}

// x = n pi/2 + r with integral n and |r| <= pi/4, for |x| <= 65536.
struct QuadrantReduced {
  I32 n;
  F32 r;
};

ENGINE_INLINE QuadrantReduced reduce_quadrant(F32 x) {
  F32 n = round_even(x * broadcast(0.636619772f));
  F32 r = fnma(n, broadcast(0x1.921fb6p+0f), x);
  r = fnma(n, broadcast(-0x1.777a5cp-25f), r);
  r = fnma(n, broadcast(-0x1.ee59dap-50f), r);
  return {to_int(n), r};
}

// sin(r + n pi/2).
ENGINE_INLINE F32 sin_quadrant(QuadrantReduced a) {
  F32 u = a.r * a.r;
  F32 s = fma(polynomial(u, -0.166666549319f, 0.00833217625774f, -0.000195169494631f), u * a.r, a.r);
  F32 c = fma(polynomial(u, 0.0416666470019f, -0.00138873718434f, 2.44387594393e-5f), u * u,
              fnma(broadcast(0.5f), u, broadcast(1.0f)));
  I32 one = broadcast(int32_t(1));
  F32 y = select(eq(a.n & one, one), c, s);
  return as_float(bits(y) ^ shift_left<30>(a.n & broadcast(int32_t(2))));
}

ENGINE_INLINE F32 sin(F32 x) {
  F32 magnitude = abs(x);
  F32 y = sin_quadrant(reduce_quadrant(magnitude));
  y = as_float(bits(y) ^ (bits(x) & broadcast(INT32_MIN)));
  Mask huge = lt(broadcast(65536.0f), magnitude);
  if (any(huge)) y = select(huge, lanewise(x, ::sinf), y);
  return y;
}

ENGINE_INLINE F32 cos(F32 x) {
  F32 magnitude = abs(x);
  QuadrantReduced a = reduce_quadrant(magnitude);
  F32 y = sin_quadrant({a.n + broadcast(int32_t(1)), a.r});
  Mask huge = lt(broadcast(65536.0f), magnitude);
  if (any(huge)) y = select(huge, lanewise(x, ::cosf), y);
  return y;
}

ENGINE_INLINE F32 softplus(F32 x) { return max(broadcast(0.0f), x) + log1p_unit(exp(-abs(x))); }

ENGINE_INLINE F32 silu(F32 x, F32 alpha) { return x * sigmoid(alpha * x); }

// x Phi(x) = x/2 + |x|/2 (1 - 2 Phi(-|x|)), where Phi is the normal distribution: the logarithm to base 2 of
// 2 Phi(-|x|) is close to a polynomial, here of |x|/2, and errors of it matter less the larger |x| is.
ENGINE_INLINE F32 gelu_erf(F32 x) {
  F32 half = broadcast(0.5f) * x, a = abs(half);
  F32 g = a * polynomial(a, -2.30221033f, -1.83683276f, -0.41996944f, 0.11301472f, -0.00438196445f, -0.0119155347f,
                         0.00504034432f, -0.000725737598f);
  return fma(a, broadcast(1.0f) - exp2_negative(max(broadcast(-126.0f), g)), half);
}

// x/2 (1 + tanh u) = x sigmoid(2 u) with u = sqrt(2/pi) (x + 0.044715 x^3).
ENGINE_INLINE F32 gelu_tanh(F32 x) {
  F32 u = x * fma(x * x, broadcast(2.0f * 0.797884561f * 0.044715f), broadcast(2.0f * 0.797884561f));
  return x * sigmoid(u);
}

// x tanh(log(1 + e^x)) = x m / (m + 2) with m = e^x (e^x + 2).
ENGINE_INLINE F32 mish(F32 x) {
  F32 e = exp(min(broadcast(20.0f), x)), two = broadcast(2.0f);
  F32 m = e * (e + two);
  return select(lt(broadcast(20.0f), x), x, x * (m / (m + two)));
}

}  // namespace engine::ENGINE_TIER
