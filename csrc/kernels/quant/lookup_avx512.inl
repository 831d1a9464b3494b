// Bytes through a table of 256, as pairs: two permutations of 64 words hold the table.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace engine::ENGINE_TIER {

static __m256i lookup_32(__m256i x, const __m512i (&table)[4]) {
  const __m512i index = _mm512_cvtepu8_epi16(x), pair = _mm512_srli_epi16(index, 1);
  const __m512i low = _mm512_permutex2var_epi16(table[0], pair, table[1]), high = _mm512_permutex2var_epi16(table[2], pair, table[3]);
  const __m512i words = _mm512_mask_blend_epi16(_mm256_movepi8_mask(x), low, high);
  const __m512i shift = _mm512_slli_epi16(_mm512_and_si512(index, _mm512_set1_epi16(1)), 3);
  return _mm512_cvtepi16_epi8(_mm512_srlv_epi16(words, shift));
}

static void lookup_bytes(const uint8_t* x, const uint8_t* table, uint8_t* y, size_t n) {
  __m512i held[4];
  for (int i = 0; i < 4; ++i) held[i] = _mm512_loadu_si512(table + 64 * i);
  size_t i = 0;
  for (; i + 32 <= n; i += 32)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), lookup_32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i)), held));
  if (i == n) return;
  const __mmask32 inside = (__mmask32(1) << (n - i)) - 1;
  _mm256_mask_storeu_epi8(y + i, inside, lookup_32(_mm256_maskz_loadu_epi8(inside, x + i), held));
}

}  // namespace engine::ENGINE_TIER
