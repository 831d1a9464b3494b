// transpose_square(src, src_stride, dst, dst_stride): dst[i * dst_stride + j] = src[j * src_stride + i] for
// i, j < Block::size, strides in floats. Written with 256-bit vectors for both x86 tiers.
#pragma once

#include <immintrin.h>
#include <stddef.h>

#include "kernels/inlining.h"

namespace engine {
namespace ENGINE_TIER {

ENGINE_INLINE __m256 halves(const float* lo, const float* hi) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lo)), _mm_loadu_ps(hi), 1);
}

// Four columns of eight rows become four rows of eight.
ENGINE_INLINE void transpose_8x4(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
  __m256 r0 = halves(src, src + 4 * src_stride);
  __m256 r1 = halves(src + src_stride, src + 5 * src_stride);
  __m256 r2 = halves(src + 2 * src_stride, src + 6 * src_stride);
  __m256 r3 = halves(src + 3 * src_stride, src + 7 * src_stride);
  __m256 a = _mm256_unpacklo_ps(r0, r1), b = _mm256_unpackhi_ps(r0, r1);
  __m256 c = _mm256_unpacklo_ps(r2, r3), d = _mm256_unpackhi_ps(r2, r3);
  _mm256_storeu_ps(dst, _mm256_shuffle_ps(a, c, 0x44));
  _mm256_storeu_ps(dst + dst_stride, _mm256_shuffle_ps(a, c, 0xee));
  _mm256_storeu_ps(dst + 2 * dst_stride, _mm256_shuffle_ps(b, d, 0x44));
  _mm256_storeu_ps(dst + 3 * dst_stride, _mm256_shuffle_ps(b, d, 0xee));
}

ENGINE_INLINE void transpose_square(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
  for (int i = 0; i < Block::size; i += 4)
    for (int j = 0; j < Block::size; j += 8)
      transpose_8x4(src + j * src_stride + i, src_stride, dst + i * dst_stride + j, dst_stride);
}

}  // namespace ENGINE_TIER
}  // namespace engine
