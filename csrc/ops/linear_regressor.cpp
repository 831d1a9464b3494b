#include "ops/linear_model.h"
#include "ops/post_transform.h"

namespace engine {
namespace {

class LinearRegressor final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    ENGINE_TRY(model_.set(c.attr_floats("coefficients"), c.attr_floats("intercepts"), c.attr_int("targets", 1)));
    ENGINE_ASSIGN(transform_, post_transform_from_name(c.attr_string("post_transform", "NONE")));
    if (c.known(0)) ENGINE_TRY(model_.check_shape(c.shape(0)));
    c.set(0, DType::Float, rows_by(c, 0, model_.outputs()));
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), false));
    ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(x.shape));
    int64_t n = model_.outputs();
    return r.parallel(m.rows, model_.ns_per_row(), [&](int64_t begin, int64_t end, int worker) {
      for (int64_t row = begin; row < end; ++row) {
        float* scores = r.out<float>(0) + row * n;
        model_.row(r, worker, x.as<float>() + row * m.columns, scores);
        apply_post_transform(transform_, scores, n);
      }
    });
  }

 private:
  LinearModel model_;
  PostTransform transform_ = PostTransform::none;
};

}  // namespace

void op_linear_regressor(OpTable& t) { t.add<LinearRegressor>("ai.onnx.ml", "LinearRegressor", 1, 1, 1); }

}  // namespace engine
