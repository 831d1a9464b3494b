// Kernel values between rows and support vectors: what the SVM operators share.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "ops/float_features.h"

namespace engine {

enum class SvmKernel : uint8_t { linear, poly, rbf, sigmoid };

class SupportVectors {
 public:
  // Reads kernel_type and kernel_params; `vectors` is [count][features] with count given. `linear`: whatever kernel_type says.
  Status read(const InferContext& c, std::vector<float> vectors, int64_t count, bool linear) {
    if (count < 1 || vectors.empty() || int64_t(vectors.size()) % count)
      return error(Code::InvalidModel, "%zu numbers for %lld vectors", vectors.size(), (long long)count);
    count_ = count;
    features_ = int64_t(vectors.size()) / count;
    vectors_ = std::move(vectors);
    std::string kernel = c.attr_string("kernel_type", "LINEAR");
    if (linear || kernel == "LINEAR") kernel_ = SvmKernel::linear;
    else if (kernel == "POLY") kernel_ = SvmKernel::poly;
    else if (kernel == "RBF") kernel_ = SvmKernel::rbf;
    else if (kernel == "SIGMOID") kernel_ = SvmKernel::sigmoid;
    else return error(Code::InvalidModel, "kernel_type is '%s'; LINEAR, POLY, RBF and SIGMOID are allowed", kernel.c_str());
    std::vector<float> params = c.attr_floats("kernel_params");
    if (!params.empty() && params.size() < 3) return error(Code::InvalidModel, "kernel_params has %zu entries; 3 are expected", params.size());
    if (!params.empty()) {
      gamma_ = params[0];
      coef0_ = params[1];
      degree_ = params[2];
    }
    return {};
  }

  int64_t count() const { return count_; }

  Status check_shape(const Shape& shape) const {
    ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(shape));
    if (m.columns == features_) return {};
    return error(Code::InvalidModel, "the rows have %lld features, the vectors %lld", (long long)m.columns, (long long)features_);
  }

  // values[row][v] for rows of float32 features, in tiles.
  Status values(OpRun& r, const float* x, int64_t rows, double* values) const {
    return r.parallel(rows * count_, double(features_) * 0.7 + 15, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) values[i] = value(x + i / count_ * features_, vectors_.data() + i % count_ * features_);
    });
  }

 private:
  double value(const float* x, const float* v) const {
    if (kernel_ == SvmKernel::rbf) return std::exp(-double(gamma_) * distance(x, v));
    double product = dot(x, v);
    if (kernel_ == SvmKernel::linear) return product;
    product = product * double(gamma_) + double(coef0_);
    return kernel_ == SvmKernel::sigmoid ? std::tanh(product) : std::pow(product, double(degree_));
  }

  double dot(const float* a, const float* b) const {
    double sums[4] = {};
    for (int64_t f = 0; f < features_; ++f) sums[f & 3] += double(a[f]) * double(b[f]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  double distance(const float* a, const float* b) const {
    double sums[4] = {};
    for (int64_t f = 0; f < features_; ++f) sums[f & 3] += (double(a[f]) - double(b[f])) * (double(a[f]) - double(b[f]));
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  int64_t count_ = 0, features_ = 0;
  std::vector<float> vectors_;
  SvmKernel kernel_ = SvmKernel::linear;
  float gamma_ = 0, coef0_ = 0, degree_ = 0;
};

// Calls body(first_row, rows, kernel values) for chunks of rows whose kernel values fit a few megabytes.
template <class Body>
Status for_kernel_values(OpRun& r, const SupportVectors& vectors, const Tensor& x, Body&& body) {
  ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(x.shape));
  int64_t chunk = std::max<int64_t>(1, (int64_t(1) << 19) / vectors.count());
  ENGINE_ASSIGN(Tensor values, r.make(DType::Double, {std::min(chunk, m.rows), vectors.count()}));
  for (int64_t row = 0; row < m.rows; row += chunk) {
    int64_t rows = std::min(chunk, m.rows - row);
    ENGINE_TRY(vectors.values(r, x.as<float>() + row * m.columns, rows, values.as<double>()));
    ENGINE_TRY(body(row, rows, values.as<double>()));
  }
  return {};
}

}  // namespace engine
