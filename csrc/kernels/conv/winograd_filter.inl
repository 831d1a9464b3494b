// Transforms of filters. Each sum is added up in the order of its taps, so that all tiers give the same bits.
// REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/accumulate.inl"
#include "kernels/conv/winograd_jobs.h"

namespace engine {
namespace ENGINE_TIER {

// sums[l] = the sum over t of row[t] * values[t * step + l].
template <class T>
ENGINE_INLINE void winograd_evaluate(const double* row, int64_t taps, const T* values, int64_t step, double (&sums)[Block::size]) {
  for (int l = 0; l < Block::size; ++l) sums[l] = 0;
  for (int64_t t = 0; t < taps; ++t)
    for (int l = 0; l < Block::size; ++l) sums[l] += row[t] * double(values[t * step + l]);
}

static void winograd_filter(const ConvWinogradFilterJob& job) {
  constexpr int b = Block::size;
  double half[kMostWinogradPoints][kMostWinogradPoints][b], sums[b];
  const int64_t taps = job.taps[0] * job.taps[1];
  for (int64_t c = 0; c < job.channels; ++c) {
    const float* filter = job.filters + c * taps * b;
    for (int64_t i = 0; i < job.taps[0]; ++i)
      for (int p = 0; p < job.points[1]; ++p)
        winograd_evaluate(job.rows[1] + p * job.taps[1], job.taps[1], filter + i * job.tap_step[0] * b, job.tap_step[1] * b, half[i][p]);
    float* to = job.transformed + c * job.channel_step;
    for (int q = 0; q < job.points[0]; ++q)
      for (int p = 0; p < job.points[1]; ++p, to += job.point_step) {
        winograd_evaluate(job.rows[0] + q * job.taps[0], job.taps[0], half[0][p], kMostWinogradPoints * b, sums);
        for (int l = 0; l < b; ++l) to[l] = float(sums[l]);
      }
  }
}

}  // namespace ENGINE_TIER
}  // namespace engine
