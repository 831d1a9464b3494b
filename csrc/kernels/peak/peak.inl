// The loops of peak.h on vectors of any width.
#pragma once

#include "kernels/peak/peak.h"
#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {
namespace {

constexpr int kChains = 10;  // above the latency times the ports of a core, below the registers of every tier
constexpr int kStreams = 8;

float peak_multiply_add(int64_t steps) {
  const F32 factor = broadcast(0.999f), term = broadcast(1e-3f);
  F32 sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = term;
  for (int64_t i = 0; i < steps; ++i)
    for (int c = 0; c < kChains; ++c) sums[c] = fma(sums[c], factor, term);
  for (int c = 1; c < kChains; ++c) sums[0] = sums[0] + sums[c];
  return engine::ENGINE_TIER::sum(sums[0]);
}

float peak_read(const float* data, int64_t n) {
  constexpr int64_t W = kWidth;
  F32 sums[kStreams];
  for (int c = 0; c < kStreams; ++c) sums[c] = broadcast(0.0f);
  int64_t i = 0;
  for (; i + kStreams * W <= n; i += kStreams * W)
    for (int c = 0; c < kStreams; ++c) sums[c] = sums[c] + load(data + i + c * W);
  for (int c = 1; c < kStreams; ++c) sums[0] = sums[0] + sums[c];
  float total = engine::ENGINE_TIER::sum(sums[0]);
  for (; i < n; ++i) total += data[i];
  return total;
}

}  // namespace

extern const PeakKernels peak_table;
const PeakKernels peak_table{2 * kChains * int64_t(kWidth), peak_multiply_add, peak_read};

}  // namespace engine::ENGINE_TIER
