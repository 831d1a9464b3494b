// Class probabilities from the decisions between each two classes (pairwise coupling, Wu, Lin and Weng 2004, second method).
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace engine {

// decisions: of the pairs (0, 1), (0, 2), ... (1, 2), ...; a and b: the sigmoid of each pair. out: [classes].
inline void svm_probabilities(int64_t classes, const double* decisions, const std::vector<float>& a, const std::vector<float>& b, double* out) {
  size_t n = size_t(classes);
  std::vector<double> pair(n * n), q(n * n), qp(n);
  size_t k = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j, ++k) {
      double p = 1 / (1 + std::exp(decisions[k] * double(a[k]) + double(b[k])));
      p = std::clamp(p, 1e-7, 1 - 1e-7);
      pair[i * n + j] = p;
      pair[j * n + i] = 1 - p;
    }
  for (size_t i = 0; i < n; ++i) {
    out[i] = 1.0 / double(n);
    for (size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      q[i * n + i] += pair[j * n + i] * pair[j * n + i];
      q[i * n + j] = -pair[j * n + i] * pair[i * n + j];
    }
  }
  double tolerance = 0.005 / double(n);
  for (size_t round = 0; round < std::max<size_t>(100, n); ++round) {
    double total = 0, worst = 0;
    for (size_t i = 0; i < n; ++i) {
      qp[i] = 0;
      for (size_t j = 0; j < n; ++j) qp[i] += q[i * n + j] * out[j];
      total += out[i] * qp[i];
    }
    for (size_t i = 0; i < n; ++i) worst = std::max(worst, std::fabs(qp[i] - total));
    if (worst < tolerance) return;
    for (size_t i = 0; i < n; ++i) {
      double step = (total - qp[i]) / q[i * n + i];
      out[i] += step;
      total = (total + step * (step * q[i * n + i] + 2 * qp[i])) / ((1 + step) * (1 + step));
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + step * q[i * n + j]) / (1 + step);
        out[j] /= 1 + step;
      }
    }
  }
}

}  // namespace engine
