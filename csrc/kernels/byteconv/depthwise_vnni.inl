// Convolutions of one filter a channel, four taps at a time: their bytes are interleaved in registers, so that each
// int32 lane gets the four of its position. A sum's vector a has in its 128-bit lane q positions 16 q + 4 a and the
// three after.
#pragma once

#include "kernels/byteconv/finish.inl"

namespace engine::ENGINE_TIER {
namespace {

constexpr uint8_t kFourTapOrder[64] = {
    0,  1,  2,  3,  16, 17, 18, 19, 32, 33, 34, 35, 48, 49, 50, 51, 4,  5,  6,  7,  20, 21, 22, 23, 36, 37, 38, 39, 52, 53, 54, 55,
    8,  9,  10, 11, 24, 25, 26, 27, 40, 41, 42, 43, 56, 57, 58, 59, 12, 13, 14, 15, 28, 29, 30, 31, 44, 45, 46, 47, 60, 61, 62, 63};

ENGINE_INLINE void add_four_taps(const uint8_t* const* rows, int64_t at, const int8_t* w, __m512i (&sums)[4]) {
  const __m512i a = _mm512_loadu_si512(rows[0] + at), b = _mm512_loadu_si512(rows[1] + at);
  const __m512i c = _mm512_loadu_si512(rows[2] + at), d = _mm512_loadu_si512(rows[3] + at);
  const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
  sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_unpacklo_epi16(ab_low, cd_low), _mm512_loadu_si512(w));
  sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_unpackhi_epi16(ab_low, cd_low), _mm512_loadu_si512(w + 64));
  sums[2] = _mm512_dpbusd_epi32(sums[2], _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_loadu_si512(w + 128));
  sums[3] = _mm512_dpbusd_epi32(sums[3], _mm512_unpackhi_epi16(ab_high, cd_high), _mm512_loadu_si512(w + 192));
}

static void depthwise_four_taps(const ByteDepthwise& g) {
  const FinishTerms terms(g.finish);
  const __m512i low_byte = _mm512_set1_epi32(255);
  const int64_t fours = (g.taps + 3) / 4;
  int64_t place = 0;
  for (int64_t at = 0; at < g.n; at += 64) {
    const int8_t* w = static_cast<const int8_t*>(g.weights) + place * fours * 4;
    __m512i sums[4];
    for (int v = 0; v < 4; ++v) sums[v] = _mm512_loadu_si512(g.finish.start + place + v * 16);
    for (int64_t f = 0; f < fours; ++f) add_four_taps(g.rows + 4 * f, at, w + 256 * f, sums);
    for (int v = 0; v < 4; ++v)
      sums[v] = _mm512_and_si512(low_byte, terms.bytes(sums[v], g.finish.scale + place + v * 16, g.finish.shift + place + v * 16));
    const __m512i bytes = _mm512_packus_epi16(_mm512_packus_epi32(sums[0], sums[1]), _mm512_packus_epi32(sums[2], sums[3]));
    const __mmask64 inside = g.n - at >= 64 ? ~__mmask64(0) : (__mmask64(1) << (g.n - at)) - 1;
    _mm512_mask_storeu_epi8(static_cast<uint8_t*>(g.c) + at, inside, bytes);
    place = place + 64 == g.period ? 0 : place + 64;
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
