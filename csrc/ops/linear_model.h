// Linear models of ai.onnx.ml: scores[row][k] = intercept[k] + the sum of x[row][f] * coefficients[k][f].
#pragma once

#include <algorithm>
#include <vector>

#include "ops/float_features.h"
#include "ops/pieces.h"

namespace engine {

class LinearModel {
 public:
  // coefficients: [outputs][features], outputs given; intercepts: empty or one for each output.
  Status set(const std::vector<float>& coefficients, const std::vector<float>& intercepts, int64_t outputs) {
    if (outputs < 1 || coefficients.empty() || int64_t(coefficients.size()) % outputs)
      return error(Code::InvalidModel, "%zu coefficients for %lld outputs", coefficients.size(), (long long)outputs);
    if (!intercepts.empty() && int64_t(intercepts.size()) != outputs)
      return error(Code::InvalidModel, "%zu intercepts for %lld outputs", intercepts.size(), (long long)outputs);
    outputs_ = outputs;
    features_ = int64_t(coefficients.size()) / outputs;
    intercepts_ = intercepts.empty() ? std::vector<float>(size_t(outputs), 0.0f) : intercepts;
    by_feature_.resize(coefficients.size());
    for (int64_t k = 0; k < outputs; ++k)
      for (int64_t f = 0; f < features_; ++f) by_feature_[size_t(f * outputs + k)] = coefficients[size_t(k * features_ + f)];
    return {};
  }

  int64_t outputs() const { return outputs_; }

  Status check_shape(const Shape& shape) const {
    ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(shape));
    if (m.columns == features_) return {};
    return error(Code::InvalidModel, "the rows have %lld features; the coefficients are for %lld", (long long)m.columns, (long long)features_);
  }

  // What a row costs.
  double ns_per_row() const { return 10 + 0.3 * double(features_ * outputs_); }

  // scores: [outputs]; left as they are when the call must stop.
  void row(OpRun& r, int worker, const float* x, float* scores) const {
    int64_t piece = std::max<int64_t>(8, 32768 / outputs_ / 8 * 8);
    if (outputs_ == 1) {
      scores[0] = intercepts_[0] + dot(r, worker, x, piece);
      return;
    }
    std::copy(intercepts_.begin(), intercepts_.end(), scores);
    within_item(r, worker, features_, piece, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f) {
        const float* w = by_feature_.data() + f * outputs_;
        for (int64_t k = 0; k < outputs_; ++k) scores[k] += x[f] * w[k];
      }
    });
  }

 private:
  float dot(OpRun& r, int worker, const float* x, int64_t piece) const {
    float sums[8] = {};
    within_item(r, worker, features_, piece, [&](int64_t f, int64_t end) {
      for (; f + 8 <= end; f += 8)
        for (int k = 0; k < 8; ++k) sums[k] += x[f + k] * by_feature_[size_t(f + k)];
      for (int k = 0; f < end; ++f, ++k) sums[k] += x[f] * by_feature_[size_t(f)];
    });
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }

  int64_t outputs_ = 0, features_ = 0;
  std::vector<float> by_feature_, intercepts_;
};

}  // namespace engine
