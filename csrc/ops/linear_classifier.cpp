#include "kernels/elementwise/elementwise.h"
#include "ops/class_labels.h"
#include "ops/linear_model.h"
#include "ops/post_transform.h"

namespace engine {
namespace {

// One score for two labels: it is that of the second, and the first's is its complement.
void spread_score(PostTransform transform, float s, float* scores) {
  bool logistic = transform == PostTransform::logistic;
  scores[0] = logistic ? -s : 1 - s;
  scores[1] = s;
  if (logistic || transform == PostTransform::probit) apply_post_transform(transform, scores, 2);
}

class LinearClassifier final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    ENGINE_TRY(labels_.read(c, "classlabels_ints", "classlabels_strings"));
    std::vector<float> intercepts = c.attr_floats("intercepts");
    int64_t outputs = intercepts.empty() ? labels_.count() : int64_t(intercepts.size());
    ENGINE_TRY(model_.set(c.attr_floats("coefficients"), intercepts, outputs));
    ENGINE_ASSIGN(transform_, post_transform_from_name(c.attr_string("post_transform", "NONE")));
    binary_ = outputs == 1 && labels_.count() == 2;
    if (!binary_ && outputs != labels_.count())
      return error(Code::InvalidModel, "%lld scores for %lld labels", (long long)outputs, (long long)labels_.count());
    if (c.known(0)) ENGINE_TRY(model_.check_shape(c.shape(0)));
    at_once_ = !binary_ && transform_ == PostTransform::logistic ? unary_kernel(ElementType::f32, UnaryOp::sigmoid) : nullptr;
    c.set(0, labels_.dtype(), {rows_by(c, 0, 1)[0]});
    c.set(1, DType::Float, rows_by(c, 0, labels_.count()));
    return {};
  }

  Status prepare(PrepareContext& c) override {
    c.need_scratch(labels_.count() * int64_t(sizeof(float)));
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), false));
    ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(x.shape));
    int64_t n = labels_.count();
    const bool wants_label = r.wants(0);
    float* const all_scores = r.wants(1) ? r.out<float>(1) : nullptr;
    return r.parallel(m.rows, model_.ns_per_row() + double(n) * 10, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t row = begin; row < end; ++row) {
        float* scores = all_scores ? all_scores + row * n : r.scratch<float>(worker);
        model_.row(r, worker, x.as<float>() + row * m.columns, scores);
        int64_t best = binary_ ? scores[0] > 0 : std::max_element(scores, scores + n) - scores;
        if (wants_label) labels_.write(r.out(0), row, best);
        if (binary_) spread_score(transform_, scores[0], scores);
        else if (!at_once_) apply_post_transform(transform_, scores, n);
      }
      if (at_once_ && all_scores) at_once_(all_scores + begin * n, all_scores + begin * n, size_t((end - begin) * n), {});
    });
  }

 private:
  ClassLabels labels_;
  LinearModel model_;
  PostTransform transform_ = PostTransform::none;
  bool binary_ = false;
  UnaryFn at_once_ = nullptr;  // transforms the scores of all of a tile's rows
};

}  // namespace

void op_linear_classifier(OpTable& t) { t.add<LinearClassifier>("ai.onnx.ml", "LinearClassifier", 1, 1, 1, 2, 2); }

}  // namespace engine
