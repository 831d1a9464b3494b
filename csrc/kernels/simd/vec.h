// Vectors of float32 and int32 lanes, one implementation a tier, the same names in each.
//
// Included by tier files and by *.inl only; everything is defined inside engine::<tier>. Tiers above avx512 use the
// avx512 vectors. The scalar tier's vectors have one lane, so a width-generic loop is its own plain version.
//
//   F32, I32      values of kWidth lanes; Mask: one truth value a lane
//   broadcast     one value in every lane (overloaded on float and int32_t)
//   load, store   unaligned; with a last argument n (0 <= n <= kWidth) only n lanes are touched in memory and the
//                 other lanes of a load are zero
//   load_or       a partial load whose other lanes come from a vector
//   fma(a,b,c)    a*b + c rounded once (scalar: through double, the sum may be rounded twice); fnma(a,b,c) c - a*b
//   add_product(sum,a,b)   fma(a, b, sum) for sums that stay in registers (add_product.h)
//   min, max      (a, b): b when either is NaN or both are zeros, so min(limit, x) keeps a NaN in x
//   min_nan, max_nan   NaN when either is NaN
//   lt le eq is_nan    comparisons; false for NaN (but is_nan); & | ~ combine masks
//   select(m,a,b) a where m, else b
//   round_even, floor, ceil, trunc, sqrt, abs, copysign(magnitude, sign)
//   to_int(F32)   nearest even; trunc_int: towards zero. Out of range: an unspecified value
//   bits, as_float     reinterpret; shift_left<k>, shift_right<k> (logical)
//   scale(p, n)   p * 2^n for integral |n| <= 252 in float lanes, rounded once (gradual underflow, overflow to inf)
//   scale_normal(p, n)   the same for integral n in [-126, 127] and results that are normal numbers or 0
//   sum, product, min_lane, max_lane   across lanes, by halving: a fixed order. min_lane and max_lane pass NaN on
//   load_f16, store_f16, load_bf16, store_bf16   float16 / bfloat16 bit patterns, to nearest even, NaN stays NaN
//   load_i8, load_u8   widened to int32; store_i8, store_u8 saturate
//   store_bool    one byte a lane, 1 or 0
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/simd/compiler.h"

#define ENGINE_VEC_scalar 0
#define ENGINE_VEC_neon 1
#define ENGINE_VEC_avx2 2
#define ENGINE_VEC_avx512 3
#define ENGINE_VEC_avx512vnni 3
#define ENGINE_VEC_avx512vbmi 3
#define ENGINE_VEC_avx512bf16 3
#define ENGINE_VEC_avx512amx 3
#define ENGINE_VEC_OF_(tier) ENGINE_VEC_##tier
#define ENGINE_VEC_OF(tier) ENGINE_VEC_OF_(tier)

#if ENGINE_VEC_OF(ENGINE_TIER) == 0
#include "kernels/simd/vec_scalar.h"
#elif ENGINE_VEC_OF(ENGINE_TIER) == 1
#include "kernels/simd/vec_neon.h"
#elif ENGINE_VEC_OF(ENGINE_TIER) == 2
#include "kernels/simd/vec_avx2.h"
#else
#include "kernels/simd/vec_avx512.h"
#endif

namespace engine::ENGINE_TIER {

// f of each lane, by calling a C function.
template <class Fn>
ENGINE_NOINLINE F32 lanewise(F32 x, Fn f) {
  float lane[kWidth];
  store(lane, x);
  for (size_t i = 0; i < kWidth; ++i) lane[i] = f(lane[i]);
  return load(lane);
}

template <class Fn>
ENGINE_NOINLINE F32 lanewise(F32 x, F32 y, Fn f) {
  float a[kWidth], b[kWidth];
  store(a, x);
  store(b, y);
  for (size_t i = 0; i < kWidth; ++i) a[i] = f(a[i], b[i]);
  return load(a);
}

}  // namespace engine::ENGINE_TIER
