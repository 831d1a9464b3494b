#include "ops/tree_regression.h"

namespace engine {
namespace {

Result<TreeAggregate> aggregate_from_name(const std::string& name) {
  if (name == "AVERAGE") return TreeAggregate::average;
  if (name == "SUM") return TreeAggregate::sum;
  if (name == "MIN") return TreeAggregate::min;
  if (name == "MAX") return TreeAggregate::max;
  return error(Code::InvalidModel, "aggregate_function is '%s'; AVERAGE, SUM, MIN and MAX are allowed", name.c_str());
}

Result<std::shared_ptr<const TreeRegressionModel>> build(const InferContext& c) {
  auto m = std::make_shared<TreeRegressionModel>();
  ENGINE_ASSIGN(m->transform, post_transform_from_name(c.attr_string("post_transform", "NONE")));
  ENGINE_ASSIGN(m->forest.aggregate, aggregate_from_name(c.attr_string("aggregate_function", "SUM")));
  int64_t targets = c.attr_int("n_targets", 1);
  ENGINE_TRY(read_forest(c, "target", targets, &m->forest));
  if (!m->forest.base.empty() && int64_t(m->forest.base.size()) != targets)
    return error(Code::InvalidModel, "%zu base values for %lld targets", m->forest.base.size(), (long long)targets);
  ENGINE_TRY(finish_forest(m->forest, c.dtype(0) == DType::Double));
  return std::shared_ptr<const TreeRegressionModel>(m);
}

class TreeEnsembleRegressor final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    if (!model_) {
      ENGINE_ASSIGN(model_, NodeCache<TreeRegressionModel>::instance().get(c.node().attributes, [&] { return build(c); }, c.dtype(0) == DType::Double, true));
    }
    if (c.known(0)) ENGINE_TRY(check_forest_shape(model_->forest, c.shape(0)));
    c.set(0, DType::Float, rows_by(c, 0, model_->forest.targets()));
    return {};
  }

  Status prepare(PrepareContext& c) override {
    NodeCache<TreeRegressionModel>::instance().settle(c.node().attributes, c.dtype(0) == DType::Double);
    return prepare_forest(c, model_->forest, c.shape(0));
  }
  Status run(OpRun& r) const override { return run_tree_regression(r, *model_); }

 private:
  std::shared_ptr<const TreeRegressionModel> model_;
};

}  // namespace

void op_tree_ensemble_regressor(OpTable& t) {
  for (int since : {1, 3, 5}) t.add<TreeEnsembleRegressor>("ai.onnx.ml", "TreeEnsembleRegressor", since, 1, 1);
}

}  // namespace engine
