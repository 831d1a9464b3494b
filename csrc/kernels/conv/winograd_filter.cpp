#include "kernels/conv/winograd_form.h"

namespace engine {
namespace {

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

WinogradFilter::WinogradFilter(const ConvWinograd& form, const int64_t (&kernel)[2], const int64_t (&kernel_step)[2]) {
  for (int d = 0; d < 2; ++d) {
    points_[d] = form.points[d];
    kernel_[d] = kernel[d];
    kernel_step_[d] = kernel_step[d];
    rows_[d] = evaluation(points_[d], kernel[d]);
  }
}

void WinogradFilter::transform(const float* filter, float* transformed, int64_t step) const {
  double half[8][8];
  for (int64_t i = 0; i < kernel_[0]; ++i)
    for (int b = 0; b < points_[1]; ++b) {
      double sum = 0;
      for (int64_t j = 0; j < kernel_[1]; ++j)
        sum += rows_[1][size_t(b * kernel_[1] + j)] * double(filter[i * kernel_step_[0] + j * kernel_step_[1]]);
      half[i][b] = sum;
    }
  for (int a = 0; a < points_[0]; ++a)
    for (int b = 0; b < points_[1]; ++b) {
      double sum = 0;
      for (int64_t i = 0; i < kernel_[0]; ++i) sum += rows_[0][size_t(a * kernel_[0] + i)] * half[i][b];
      transformed[(a * points_[1] + b) * step] = float(sum);
    }
}

}  // namespace engine
