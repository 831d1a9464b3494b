// Convolutions of one filter a channel, in plain loops over blocks of 64 positions.
#pragma once

#include "kernels/byteconv/finish.inl"

namespace engine::ENGINE_TIER {
namespace {

static void depthwise_wide_block(const ByteDepthwise& g, int64_t at, uint32_t* sums) {
  const int64_t place = at % g.period;
  const int16_t* w = static_cast<const int16_t*>(g.weights) + place * g.taps;
  for (int i = 0; i < 64; ++i) sums[i] = uint32_t(g.finish.start[place + i]);
  for (int64_t t = 0; t < g.taps; ++t, w += 64) {
    const uint8_t* x = g.rows[t] + at;
    for (int i = 0; i < 64; ++i) sums[i] += uint32_t(int32_t(x[i]) * w[i]);
  }
}

static void depthwise_wide(const ByteDepthwise& g) {
  const FinishTerms terms(g.finish);
  alignas(64) uint32_t sums[64];
  alignas(64) uint8_t bytes[64];
  for (int64_t at = 0; at < g.n; at += 64) {
    depthwise_wide_block(g, at, sums);
    const int64_t place = at % g.period, count = g.n - at < 64 ? g.n - at : 64;
    if (g.finish.words) {
      memcpy(static_cast<int32_t*>(g.c) + at, sums, size_t(count) * 4);
      continue;
    }
    for (int i = 0; i < 64; i += kLanes)
      Words::store_bytes(bytes + i, terms.bytes(Words::load(sums + i), g.finish.scale + place + i, g.finish.shift + place + i));
    memcpy(static_cast<uint8_t*>(g.c) + at, bytes, size_t(count));
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
