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
    lanes_ = outputs == 1 ? 1 : kLanes;
    const int64_t blocks = (outputs + lanes_ - 1) / lanes_;
    intercepts_ = intercepts;
    intercepts_.resize(size_t(blocks * lanes_));
    weights_.assign(size_t(blocks * features_ * lanes_), 0.0f);
    for (int64_t k = 0; k < outputs; ++k)
      for (int64_t f = 0; f < features_; ++f)
        weights_[size_t((k / lanes_ * features_ + f) * lanes_ + k % lanes_)] = coefficients[size_t(k * features_ + f)];
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

  // scores: [outputs]; of no meaning when the call must stop.
  void row(OpRun& r, int worker, const float* x, float* scores) const {
    if (outputs_ == 1) {
      scores[0] = intercepts_[0] + dot(r, worker, x);
      return;
    }
    const int64_t between_looks = std::max<int64_t>(1, kPiece / (kLanes * features_)) * kLanes;
    for (int64_t k = 0; k < outputs_; k += kLanes) {
      if (k > 0 && k % between_looks == 0 && !goes_on(r, worker)) return;
      float sums[kLanes];
      block(r, worker, x, k, sums);
      for (int64_t lane = 0; lane < std::min<int64_t>(kLanes, outputs_ - k); ++lane) scores[k + lane] = sums[lane];
    }
  }

 private:
  static constexpr int64_t kLanes = 4;
  // Products between two looks at the clock.
  static constexpr int64_t kPiece = 32768;

  // Sums of outputs first ... first + kLanes - 1.
  void block(OpRun& r, int worker, const float* x, int64_t first, float* sums) const {
    const float* weights = weights_.data() + first * features_;
    std::copy_n(intercepts_.data() + first, kLanes, sums);
    within_item(r, worker, features_, kPiece / kLanes, [&](int64_t begin, int64_t end) {
      float s[kLanes];
      std::copy_n(sums, kLanes, s);
      for (int64_t f = begin; f < end; ++f)
        for (int64_t lane = 0; lane < kLanes; ++lane) s[lane] += x[f] * weights[f * kLanes + lane];
      std::copy_n(s, kLanes, sums);
    });
  }

  float dot(OpRun& r, int worker, const float* x) const {
    float sums[8] = {};
    within_item(r, worker, features_, kPiece, [&](int64_t f, int64_t end) {
      for (; f + 8 <= end; f += 8)
        for (int k = 0; k < 8; ++k) sums[k] += x[f + k] * weights_[size_t(f + k)];
      for (int k = 0; f < end; ++f, ++k) sums[k] += x[f] * weights_[size_t(f)];
    });
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }

  int64_t outputs_ = 0, features_ = 0, lanes_ = 1;
  std::vector<float> weights_;  // [outputs / lanes][features][lanes]
  std::vector<float> intercepts_;
};

}  // namespace engine
