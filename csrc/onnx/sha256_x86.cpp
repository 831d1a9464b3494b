#include "onnx/sha256.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#define ENGINE_TARGET_SHA
#else
#include <cpuid.h>
#define ENGINE_TARGET_SHA __attribute__((target("sha,sse4.1,ssse3")))
#endif

namespace engine::sha256 {
namespace {

bool cpu_has_sha() {
  unsigned leaf1[4] = {0, 0, 0, 0}, leaf7[4] = {0, 0, 0, 0};
#if defined(_MSC_VER)
  __cpuidex(reinterpret_cast<int*>(leaf1), 1, 0);
  __cpuidex(reinterpret_cast<int*>(leaf7), 7, 0);
#else
  if (!__get_cpuid_count(1, 0, &leaf1[0], &leaf1[1], &leaf1[2], &leaf1[3])) return false;
  if (!__get_cpuid_count(7, 0, &leaf7[0], &leaf7[1], &leaf7[2], &leaf7[3])) return false;
#endif
  bool ssse3 = leaf1[2] >> 9 & 1, sse41 = leaf1[2] >> 19 & 1, sha = leaf7[1] >> 29 & 1;
  return ssse3 && sse41 && sha;
}

// The instructions keep the state as (a b e f) and (c d g h), highest lane first.
ENGINE_TARGET_SHA void compress(uint32_t state[8], const uint8_t* blocks, size_t count) {
  const __m128i byte_order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
  __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
  __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

  for (; count > 0; --count, blocks += 64) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i)
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks + 16 * i)), byte_order);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      __m128i now = w[i & 3];
      __m128i sum = _mm_add_epi32(now, _mm_loadu_si128(reinterpret_cast<const __m128i*>(kRoundConstants + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
      if (i < 12) {
        __m128i next = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
        next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
        w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
      }
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }

  __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace

Sha256::Compress x86_compress() { return cpu_has_sha() ? compress : nullptr; }

}  // namespace engine::sha256

#else

namespace engine::sha256 {
Sha256::Compress x86_compress() { return nullptr; }
}  // namespace engine::sha256

#endif
