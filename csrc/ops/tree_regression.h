// TreeEnsembleRegressor and TreeEnsemble once their attributes are read.
#pragma once

#include "ops/float_features.h"
#include "ops/node_cache.h"
#include "ops/forest/attributes.h"
#include "ops/post_transform.h"

namespace engine {

struct TreeRegressionModel {
  ForestModel forest;
  PostTransform transform = PostTransform::none;
};

// Writes aggregate + base values, transformed, to a [rows, targets] tensor of T.
template <class T>
class TreeRegressionFinish final : public ForestFinish {
 public:
  TreeRegressionFinish(const TreeRegressionModel& m, T* out) : m_(m), out_(out) {}

  void row(int64_t row, double* scores, uint8_t*) override {
    int64_t n = m_.forest.targets();
    const std::vector<double>& base = m_.forest.base;
    for (size_t k = 0; k < base.size(); ++k) scores[k] += base[k];
    apply_post_transform(m_.transform, scores, n);
    for (int64_t k = 0; k < n; ++k) {
      if constexpr (sizeof(T) == 2) out_[row * n + k] = T(float(scores[k]));
      else out_[row * n + k] = T(scores[k]);
    }
  }

 private:
  const TreeRegressionModel& m_;
  T* out_;
};

inline Status run_tree_regression(OpRun& r, const TreeRegressionModel& m) {
  ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), true));
  Status status;
  visit_dtype(FloatTypes{}, r.out(0).dtype, [&]<class T>() {
    TreeRegressionFinish<T> finish(m, r.out<T>(0));
    status = run_forest(r, m.forest, x, finish);
  });
  return status;
}

}  // namespace engine
