#include "ops/tree_regression.h"

namespace engine {
namespace {

Result<std::shared_ptr<const TreeRegressionModel>> build(const InferContext& c) {
  auto m = std::make_shared<TreeRegressionModel>();
  int64_t transform = c.attr_int("post_transform", 0);
  if (transform < 0 || transform > 4) return error(Code::InvalidModel, "post_transform is %lld; 0 to 4 are allowed", (long long)transform);
  m->transform = PostTransform(transform);
  ENGINE_TRY(read_forest_5(c, &m->forest));
  ENGINE_TRY(finish_forest(m->forest, c.dtype(0) == DType::Double));
  return std::shared_ptr<const TreeRegressionModel>(m);
}

class TreeEnsemble final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::Float, DType::Double, DType::Float16)));
    if (!model_) {
      ENGINE_ASSIGN(model_, NodeCache<TreeRegressionModel>::instance().get(c.node().attributes, [&] { return build(c); }, c.dtype(0) == DType::Double, true));
    }
    if (c.known(0)) ENGINE_TRY(check_forest_shape(model_->forest, c.shape(0)));
    c.set(0, c.dtype(0), rows_by(c, 0, model_->forest.targets()));
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

void op_tree_ensemble(OpTable& t) { t.add<TreeEnsemble>("ai.onnx.ml", "TreeEnsemble", 5, 1, 1); }

}  // namespace engine
