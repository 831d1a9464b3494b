// a * b + sum, rounded once, written over sum.
//
// The instruction has a form for each operand that the result may be written over. GCC chooses among them late, and then copies
// sums from register to register, once for every four products of a micro-kernel. Here the form is named.
#pragma once

#include <immintrin.h>

#include "kernels/inlining.h"

namespace engine {

#if defined(__GNUC__) && !defined(__clang__)
// V: __m256, or __m512 where the tier has it.
template <class V>
ENGINE_INLINE V add_product(V sum, V a, V b) {
  __asm__("vfmadd231ps %1, %2, %0" : "+v"(sum) : "vm"(a), "v"(b));
  return sum;
}
#else
ENGINE_INLINE __m256 add_product(__m256 sum, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, sum); }
#ifdef __AVX512F__
ENGINE_INLINE __m512 add_product(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
#endif
#endif

}  // namespace engine
