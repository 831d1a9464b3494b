#include <algorithm>

#include "kernels/blocked/blocked.h"
#include "kernels/conv/winograd_form.h"

namespace engine {
namespace {

constexpr int64_t kPieceFloats = 4096;  // of filters that are turned at a time, which stay in the first-level cache

// Point 0 is 0, the last is infinity, between them are the pairs.
double point_at(int points, int i) {
  if (i == 0) return 0;
  const double p = kWinogradPairs[(points - 2) / 2][(i - 1) / 2];
  return i % 2 == 1 ? p : -p;
}

// Row i evaluates a filter as a polynomial at point i, divided by the product of the distances to the other points.
std::vector<double> evaluation(int points, int64_t taps) {
  std::vector<double> rows(size_t(points * taps), 0.0);
  if (points == 1) return std::vector<double>(size_t(taps), 1.0);
  for (int i = 0; i + 1 < points; ++i) {
    double scale = 1;
    for (int k = 0; k + 1 < points; ++k)
      if (k != i) scale *= point_at(points, i) - point_at(points, k);
    double power = 1 / scale;
    for (int64_t t = 0; t < taps; ++t, power *= point_at(points, i)) rows[size_t(i * taps + t)] = power;
  }
  rows.back() = 1;
  return rows;
}

}  // namespace

WinogradFilter::WinogradFilter(const ConvShape& s, const ConvWinograd& form) : channels_(s.c_in), taps_(s.taps()) {
  int axis[2];
  winograd_axes(s, axis);
  const int64_t step[3] = {s.kernel[1] * s.kernel[2], s.kernel[2], 1};
  for (int d = 0; d < 2; ++d) {
    job_.points[d] = form.points[d];
    job_.taps[d] = s.kernel[axis[d]];
    job_.tap_step[d] = step[axis[d]];
    rows_[d] = evaluation(form.points[d], job_.taps[d]);
  }
}

void WinogradFilter::transform(const float* weight, int64_t count, float* transformed, int64_t channel_step, int64_t point_step) const {
  const BlockedKernels& blocked = blocked_kernels();
  alignas(64) float turned[kPieceFloats];
  const int64_t at_once = kPieceFloats / (taps_ * blocked.lanes);
  ConvWinogradFilterJob job = job_;
  for (int d = 0; d < 2; ++d) job.rows[d] = rows_[d].data();
  job.filters = turned;
  job.channel_step = channel_step;
  job.point_step = point_step;
  for (int64_t c = 0; c < channels_; c += job.channels) {
    job.channels = std::min(at_once, channels_ - c);
    job.transformed = transformed + c * channel_step;
    blocked.to_blocked(weight + c * taps_, size_t(channels_ * taps_), int(count), size_t(job.channels * taps_), turned);
    conv_kernels().winograd_filter(job);
  }
}

}  // namespace engine
