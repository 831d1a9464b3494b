#include "ops/float_features.h"

namespace engine {
namespace {

class ArrayFeatureExtractor final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes | dtypes::kString));
    ENGINE_TRY(c.require(1, dtype_set(DType::Int64)));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    if (c.shape(0).rank() < 1) return error(Code::InvalidModel, "the data are a scalar; at least one dimension is expected");
    Shape shape = c.shape(0).rank() == 1 ? Shape{1, 0} : c.shape(0);
    shape[shape.rank() - 1] = c.known(1) ? c.shape(1).elements() : kUnknownDim;
    c.set(0, c.dtype(0), shape);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    int64_t width = x.shape.back(), count = r.in(1).elements(), rows = x.shape.elements(0, x.shape.rank() - 1);
    const int64_t* index = r.in<int64_t>(1);
    for (int64_t i = 0; i < count; ++i)
      if (index[i] < 0 || index[i] >= width)
        return error(Code::InvalidInput, "index %lld is out of range for %lld features", (long long)index[i], (long long)width);
    if (count == 0) return {};
    return r.parallel(rows, double(count) * 1.5 + 5, [&](int64_t begin, int64_t end, int) {
      if (x.dtype == DType::String) return pick<std::string>(r, index, count, width, begin, end);
      visit_width(x.dtype, [&]<class T>() { pick<T>(r, index, count, width, begin, end); });
    });
  }

 private:
  template <class T>
  static void pick(OpRun& r, const int64_t* index, int64_t count, int64_t width, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t i = 0; i < count; ++i) r.out(0).as<T>()[row * count + i] = r.in(0).as<T>()[row * width + index[i]];
  }
};

}  // namespace

void op_array_feature_extractor(OpTable& t) { t.add<ArrayFeatureExtractor>("ai.onnx.ml", "ArrayFeatureExtractor", 1, 2, 2); }

}  // namespace engine
