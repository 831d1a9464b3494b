// a * b + sum, rounded once, written over sum.
//
// The instruction has a form for each operand that the result may be written over. GCC chooses among them late, and then copies
// sums from register to register, once for every four products of a micro-kernel. Here the form is named.
#pragma once

#include <immintrin.h>

#include "kernels/inlining.h"

namespace engine {

#ifdef __AVX512F__
ENGINE_INLINE __m512 add_product(__m512 sum, __m512 a, __m512 b) {
#if defined(__GNUC__) && !defined(__clang__)
  __asm__("vfmadd231ps %1, %2, %0" : "+v"(sum) : "vm"(a), "v"(b));
  return sum;
#else
  return _mm512_fmadd_ps(a, b, sum);
#endif
}
#endif

ENGINE_INLINE __m256 add_product(__m256 sum, __m256 a, __m256 b) {
#if defined(__GNUC__) && !defined(__clang__)
  __asm__("vfmadd231ps %1, %2, %0" : "+x"(sum) : "xm"(a), "x"(b));
  return sum;
#else
  return _mm256_fmadd_ps(a, b, sum);
#endif
}

}  // namespace engine
