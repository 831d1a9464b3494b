#include "base/checked.h"
#include "ops/class_labels.h"
#include "ops/post_transform.h"
#include "ops/support_vectors.h"
#include "ops/svm_probability.h"

namespace engine {
namespace {

// With vectors_per_class: one-against-one decisions between classes. Without: one linear score a class.
class SVMClassifier final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    ENGINE_TRY(labels_.read(c, "classlabels_ints", "classlabels_strings"));
    classes_ = labels_.count();
    coefficients_ = c.attr_floats("coefficients");
    rho_ = c.attr_floats("rho");
    prob_a_ = c.attr_floats("prob_a");
    prob_b_ = c.attr_floats("prob_b");
    if (rho_.empty()) return error(Code::InvalidModel, "attribute rho is missing");
    ENGINE_ASSIGN(transform_, post_transform_from_name(c.attr_string("post_transform", "NONE")));
    pairwise_ = !c.attr_ints("vectors_per_class").empty();
    if (pairwise_) ENGINE_TRY(read_pairs(c));
    else ENGINE_TRY(vectors_.read(c, coefficients_, classes_, true));
    if (c.known(0)) ENGINE_TRY(vectors_.check_shape(c.shape(0)));
    c.set(0, labels_.dtype(), {rows_by(c, 0, 1)[0]});
    c.set(1, DType::Float, rows_by(c, 0, columns()));
    return {};
  }

  Status prepare(PrepareContext& c) override {
    c.need_scratch((classes_ + std::max(pairs(), classes_) + 2) * int64_t(sizeof(double)));
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), false));
    int64_t n = vectors_.count();
    double ns = double(n * (pairwise_ ? classes_ : 1)) + 100 * double(classes_ * classes_);
    return for_kernel_values(r, vectors_, x, [&](int64_t first, int64_t rows, const double* values) {
      return r.parallel(rows, ns, [&](int64_t begin, int64_t end, int worker) {
        for (int64_t row = begin; row < end; ++row) classify(r, first + row, values + row * n, r.scratch<double>(worker));
      });
    });
  }

 private:
  int64_t pairs() const { return classes_ * (classes_ - 1) / 2; }
  bool probabilities() const { return pairwise_ && !prob_a_.empty(); }
  // Columns of the scores: one decision between two classes is spread over two columns.
  int64_t columns() const {
    if (!pairwise_ || probabilities()) return classes_;
    return classes_ == 2 ? 2 : pairs();
  }

  Status read_pairs(const InferContext& c) {
    std::vector<int64_t> counts = c.attr_ints("vectors_per_class");
    if (int64_t(counts.size()) != classes_ || classes_ < 2)
      return error(Code::InvalidModel, "vectors_per_class has %zu entries for %lld classes", counts.size(), (long long)classes_);
    int64_t total = 0, coefficients = 0;
    begin_ = {0};
    for (int64_t n : counts) {
      if (!checked_add(total, n, &total)) return error(Code::InvalidModel, "vectors_per_class has the entry %lld", (long long)n);
      begin_.push_back(total);
    }
    if (!checked_mul(total, classes_ - 1, &coefficients) || coefficients != int64_t(coefficients_.size()))
      return error(Code::InvalidModel, "%zu coefficients for %lld vectors of %lld classes", coefficients_.size(), (long long)total, (long long)classes_);
    if (int64_t(rho_.size()) != pairs()) return error(Code::InvalidModel, "rho has %zu entries; %lld are expected", rho_.size(), (long long)pairs());
    if (prob_a_.size() != prob_b_.size() || (!prob_a_.empty() && int64_t(prob_a_.size()) != pairs()))
      return error(Code::InvalidModel, "prob_a has %zu entries, prob_b %zu; %lld are expected", prob_a_.size(), prob_b_.size(), (long long)pairs());
    return vectors_.read(c, c.attr_floats("support_vectors"), total, false);
  }

  void classify(OpRun& r, int64_t row, const double* values, double* memory) const {
    double* votes = memory;
    double* scores = memory + classes_;
    int64_t best;
    if (pairwise_) {
      decide_pairs(values, votes, scores);
      best = std::max_element(votes, votes + classes_) - votes;
    } else {
      for (int64_t k = 0; k < classes_; ++k) scores[k] = values[k] + double(rho_[0]);
      best = std::max_element(scores, scores + classes_) - scores;
    }
    if (r.wants(0)) labels_.write(r.out(0), row, best);
    if (!r.wants(1)) return;
    if (probabilities()) {
      svm_probabilities(classes_, scores, prob_a_, prob_b_, votes);
      scores = votes;
    } else if (pairwise_ && classes_ == 2) {
      scores[1] = scores[0];
      scores[0] = -scores[0];
    }
    apply_post_transform(transform_, scores, columns());
    for (int64_t k = 0; k < columns(); ++k) r.out<float>(1)[row * columns() + k] = float(scores[k]);
  }

  void decide_pairs(const double* values, double* votes, double* scores) const {
    std::fill_n(votes, classes_, 0.0);
    int64_t k = 0, n = vectors_.count();
    for (int64_t i = 0; i < classes_; ++i)
      for (int64_t j = i + 1; j < classes_; ++j, ++k) {
        double s = rho_[size_t(k)];
        s += weighted(values, begin_[size_t(i)], begin_[size_t(i) + 1], (j - 1) * n);
        s += weighted(values, begin_[size_t(j)], begin_[size_t(j) + 1], i * n);
        scores[k] = s;
        votes[s > 0 ? i : j] += 1;
      }
  }

  double weighted(const double* values, int64_t begin, int64_t end, int64_t row) const {
    double sum = 0;
    for (int64_t v = begin; v < end; ++v) sum += double(coefficients_[size_t(row + v)]) * values[v];
    return sum;
  }

  ClassLabels labels_;
  SupportVectors vectors_;
  std::vector<float> coefficients_, rho_, prob_a_, prob_b_;
  std::vector<int64_t> begin_;
  int64_t classes_ = 0;
  bool pairwise_ = false;
  PostTransform transform_ = PostTransform::none;
};

}  // namespace

void op_svm_classifier(OpTable& t) { t.add<SVMClassifier>("ai.onnx.ml", "SVMClassifier", 1, 1, 1, 2, 2); }

}  // namespace engine
