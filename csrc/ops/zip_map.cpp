#include "ops/class_labels.h"
#include "ops/float_features.h"
#include "ops/sequence.h"

namespace engine {
namespace {

class ZipMap final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::Float)));
    ENGINE_TRY(labels_.read(c, "classlabels_int64s", "classlabels_strings"));
    if (c.has_rank(0)) {
      const Shape& s = c.shape(0);
      if (s.rank() < 1 || s.rank() > 2 || (s.back() >= 0 && s.back() != labels_.count()))
        return error(Code::InvalidModel, "%lld labels for shape %s", (long long)labels_.count(), s.text().c_str());
    }
    c.set(0, TypeInfo::sequence(TypeInfo::map(labels_.dtype(), DType::Float)));
    c.set_at_run(0);
    return {};
  }

  // The maps share one tensor of keys and one of values.
  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(x.shape));
    if (m.columns != labels_.count())
      return error(Code::InvalidInput, "%lld labels for shape %s", (long long)labels_.count(), x.shape.text().c_str());
    ENGINE_ASSIGN(Tensor keys, r.make(labels_.dtype(), {m.columns}));
    for (int64_t k = 0; k < m.columns; ++k) labels_.write(keys, k, k);
    ENGINE_ASSIGN(Tensor values, r.make(DType::Float, {m.rows, m.columns}));
    copy_elements(x, values.data);
    auto maps = std::make_shared<ValueParts>();
    maps->items.reserve(size_t(m.rows));
    for (int64_t row = 0; row < m.rows; ++row) {
      if (row % 256 == 0) ENGINE_TRY(r.checkpoint());
      auto pair = std::make_shared<ValueParts>();
      Tensor part = values;
      part.shape = Shape{m.columns};
      part.data = values.as<float>() + row * m.columns;
      pair->items.reserve(2);
      pair->items.push_back(tensor_value(keys));
      pair->items.push_back(tensor_value(std::move(part)));
      Value map;
      map.kind = ValueKind::Map;
      map.parts = std::move(pair);
      maps->items.push_back(std::move(map));
    }
    give_sequence(r, 0, std::move(maps));
    return {};
  }

 private:
  ClassLabels labels_;
};

}  // namespace

void op_zip_map(OpTable& t) { t.add<ZipMap>("ai.onnx.ml", "ZipMap", 1, 1, 1); }

}  // namespace engine
