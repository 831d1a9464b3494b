#include "ops/post_transform.h"
#include "ops/support_vectors.h"

namespace engine {
namespace {

class SVMRegressor final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    int64_t supports = c.attr_int("n_supports", 0);
    coefficients_ = c.attr_floats("coefficients");
    std::vector<float> rho = c.attr_floats("rho");
    if (rho.empty()) return error(Code::InvalidModel, "attribute rho is missing");
    rho_ = rho[0];
    one_class_ = c.attr_int("one_class", 0) != 0;
    ENGINE_ASSIGN(transform_, post_transform_from_name(c.attr_string("post_transform", "NONE")));
    if (supports > 0) {
      if (int64_t(coefficients_.size()) != supports)
        return error(Code::InvalidModel, "%zu coefficients for %lld support vectors", coefficients_.size(), (long long)supports);
      ENGINE_TRY(vectors_.read(c, c.attr_floats("support_vectors"), supports, false));
    } else {
      ENGINE_TRY(vectors_.read(c, std::move(coefficients_), 1, true));
      coefficients_ = {1};
    }
    if (c.known(0)) ENGINE_TRY(vectors_.check_shape(c.shape(0)));
    c.set(0, DType::Float, rows_by(c, 0, 1));
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), false));
    int64_t n = vectors_.count();
    return for_kernel_values(r, vectors_, x, [&](int64_t first, int64_t rows, const double* values) {
      return r.parallel(rows, double(n) * 0.8 + 10, [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; ++row) {
          double sum = rho_;
          for (int64_t v = 0; v < n; ++v) sum += double(coefficients_[size_t(v)]) * values[row * n + v];
          float y = one_class_ ? (sum > 0 ? 1.0f : -1.0f) : float(sum);
          apply_post_transform(transform_, &y, 1);
          r.out<float>(0)[first + row] = y;
        }
      });
    });
  }

 private:
  SupportVectors vectors_;
  std::vector<float> coefficients_;
  double rho_ = 0;
  bool one_class_ = false;
  PostTransform transform_ = PostTransform::none;
};

}  // namespace

void op_svm_regressor(OpTable& t) { t.add<SVMRegressor>("ai.onnx.ml", "SVMRegressor", 1, 1, 1); }

}  // namespace engine
