#include <algorithm>

#include "ops/class_labels.h"
#include "ops/float_features.h"
#include "ops/node_cache.h"
#include "ops/forest/attributes.h"
#include "ops/post_transform.h"

namespace engine {
namespace {

struct ClassifierModel {
  ForestModel forest;
  ClassLabels labels;
  PostTransform transform = PostTransform::none;
  int one_class = -1;             // two labels, but votes for this class only
};

Result<std::shared_ptr<const ClassifierModel>> build(const InferContext& c) {
  auto m = std::make_shared<ClassifierModel>();
  ENGINE_TRY(m->labels.read(c, "classlabels_int64s", "classlabels_strings"));
  ENGINE_ASSIGN(m->transform, post_transform_from_name(c.attr_string("post_transform", "NONE")));
  ENGINE_TRY(read_forest(c, "class", m->labels.count(), &m->forest));
  size_t base = m->forest.base.size();
  if (base > 1 && base != size_t(m->labels.count()))
    return error(Code::InvalidModel, "%zu base values for %lld classes", base, (long long)m->labels.count());
  ENGINE_TRY(finish_forest(m->forest, c.dtype(0) == DType::Double));
  if (m->labels.count() == 2 && base < 2 && m->forest.voted[0] != m->forest.voted[1]) m->one_class = m->forest.voted[1];
  return std::shared_ptr<const ClassifierModel>(m);
}

class Finish final : public ForestFinish {
 public:
  Finish(const ClassifierModel& m, const Tensor* label, const Tensor* score) : m_(m), label_(label), score_(score) {}

  void row(int64_t row, double* scores, uint8_t* has) override {
    int64_t n = m_.labels.count(), best = m_.one_class >= 0 ? one_class(scores) : top_class(scores, has);
    if (label_) m_.labels.write(*label_, row, best);
    if (!score_) return;
    for (int64_t k = 0; k < n; ++k) score_->as<float>()[row * n + k] = float(scores[k]);
  }

 private:
  // Votes for one of two classes: the score decides against 1/2 when it is a probability (no negative weight), else against 0.
  int64_t one_class(double* scores) const {
    double s = scores[m_.one_class] + (m_.forest.base.empty() ? 0 : m_.forest.base[0]);
    int64_t best = s > (m_.forest.all_positive ? 0.5 : 0.0);
    if (m_.one_class == 0) {
      bool complement = m_.forest.all_positive && m_.transform != PostTransform::logistic;
      scores[0] = complement ? 1 - s : -s;
      scores[1] = s;
      if (m_.transform == PostTransform::softmax || m_.transform == PostTransform::softmax_zero) return best;
    } else {
      scores[1] = s;
    }
    apply_post_transform(m_.transform, scores, 2);
    return best;
  }

  int64_t top_class(double* scores, const uint8_t* has) const {
    const std::vector<double>& base = m_.forest.base;
    int64_t n = m_.labels.count(), best = -1;
    for (size_t k = 0; k < base.size(); ++k) scores[k] += base[k];
    for (int64_t k = 0; k < n; ++k)
      if ((has[k] || !base.empty()) && (best < 0 || scores[k] > scores[best])) best = k;
    if (n > 1) apply_post_transform(m_.transform, scores, n);
    return std::max<int64_t>(best, 0);
  }

  const ClassifierModel& m_;
  const Tensor* label_;
  const Tensor* score_;
};

class TreeEnsembleClassifier final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    if (!model_) {
      ENGINE_ASSIGN(model_, NodeCache<ClassifierModel>::instance().get(c.node().attributes, [&] { return build(c); }, c.dtype(0) == DType::Double, true));
    }
    if (c.known(0)) ENGINE_TRY(check_forest_shape(model_->forest, c.shape(0)));
    c.set(0, model_->labels.dtype(), {rows_by(c, 0, 1)[0]});
    c.set(1, DType::Float, rows_by(c, 0, model_->labels.count()));
    return {};
  }

  Status prepare(PrepareContext& c) override {
    NodeCache<ClassifierModel>::instance().settle(c.node().attributes, c.dtype(0) == DType::Double);
    return prepare_forest(c, model_->forest, c.shape(0));
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), true));
    Finish finish(*model_, r.wants(0) ? &r.out(0) : nullptr, r.wants(1) ? &r.out(1) : nullptr);
    return run_forest(r, model_->forest, x, finish);
  }

 private:
  std::shared_ptr<const ClassifierModel> model_;
};

}  // namespace

void op_tree_ensemble_classifier(OpTable& t) {
  for (int since : {1, 3, 5}) t.add<TreeEnsembleClassifier>("ai.onnx.ml", "TreeEnsembleClassifier", since, 1, 1, 2, 2);
}

}  // namespace engine
