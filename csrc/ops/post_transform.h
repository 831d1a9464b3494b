// The transforms of scores that ai.onnx.ml's classifiers and regressors name in post_transform.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "base/status.h"

namespace engine {

enum class PostTransform : uint8_t { none = 0, softmax = 1, logistic = 2, softmax_zero = 3, probit = 4 };

inline Result<PostTransform> post_transform_from_name(const std::string& name) {
  static constexpr const char* kNames[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  for (int i = 0; i < 5; ++i)
    if (name == kNames[i]) return PostTransform(i);
  return error(Code::InvalidModel, "post_transform is '%s'; NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO and PROBIT are allowed", name.c_str());
}

template <class T>
T logistic(T x) {
  T v = T(1) / (T(1) + std::exp(-std::fabs(x)));
  return x < 0 ? T(1) - v : v;
}

// sqrt(2) times the inverse error function of 2 x - 1, by Winitzki's formula.
template <class T>
T probit(T x) {
  T y = T(2) * x - T(1), sign = y < 0 ? T(-1) : T(1), log = std::log((T(1) - y) * (T(1) + y));
  T v = T(2) / T(3.14159 * 0.147) + T(0.5) * log, w = log / T(0.147);
  return T(1.41421356) * sign * std::sqrt(std::sqrt(v * v - w) - v);
}

template <class T>
void softmax_scores(T* x, int64_t n) {
  T greatest = *std::max_element(x, x + n), sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - greatest);
  for (int64_t i = 0; i < n; ++i) x[i] /= sum;
}

// Softmax over the scores that are not (nearly) zero; zeros stay.
template <class T>
void softmax_zero_scores(T* x, int64_t n) {
  T greatest = *std::max_element(x, x + n), sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    bool zero = std::fabs(x[i]) <= T(1e-7);
    x[i] = zero ? x[i] * std::exp(-greatest) : std::exp(x[i] - greatest);
    sum += x[i];
  }
  if (sum == 0) return;
  for (int64_t i = 0; i < n; ++i) x[i] /= sum;
}

// In place, over the n scores of one row.
template <class T>
void apply_post_transform(PostTransform transform, T* x, int64_t n) {
  if (n <= 0) return;
  switch (transform) {
    case PostTransform::none: return;
    case PostTransform::softmax: return softmax_scores(x, n);
    case PostTransform::softmax_zero: return softmax_zero_scores(x, n);
    case PostTransform::logistic:
      for (int64_t i = 0; i < n; ++i) x[i] = logistic(x[i]);
      return;
    case PostTransform::probit:
      for (int64_t i = 0; i < n; ++i) x[i] = probit(x[i]);
      return;
  }
}

}  // namespace engine
