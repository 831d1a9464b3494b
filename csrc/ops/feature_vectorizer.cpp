#include <algorithm>

#include "base/checked.h"
#include "ops/float_features.h"

namespace engine {
namespace {

class FeatureVectorizer final : public Op {
 public:
  Status infer(InferContext& c) override {
    widths_ = c.attr_ints("inputdimensions");
    if (!widths_.empty() && int(widths_.size()) != c.input_count())
      return error(Code::InvalidModel, "inputdimensions has %zu entries for %d inputs", widths_.size(), c.input_count());
    int64_t total = 0, rows = kUnknownDim;
    bool known = true;
    for (int i = 0; i < c.input_count(); ++i) {
      ENGINE_TRY(c.require(i, kFeatureTypes));
      int64_t width = widths_.empty() ? kUnknownDim : widths_[size_t(i)];
      if (!widths_.empty() && width < 0) return error(Code::InvalidModel, "inputdimensions[%d] is %lld", i, (long long)width);
      if (c.known(i)) {
        ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(c.shape(i)));
        if (rows != kUnknownDim && rows != m.rows)
          return error(Code::InvalidModel, "input %d has %lld rows, another %lld", i, (long long)m.rows, (long long)rows);
        rows = m.rows;
        if (widths_.empty()) width = m.columns;
      } else {
        known = false;
      }
      if (width >= 0 && !checked_add(total, width, &total)) return error(Code::InvalidModel, "too many features");
    }
    c.set(0, DType::Float);
    if (known) c.set(0, DType::Float, {rows, total});
    return {};
  }

  Status run(OpRun& r) const override {
    int64_t rows = r.out(0).shape[0], total = r.out(0).shape[1];
    return r.parallel(rows, double(total) + 5, [&](int64_t begin, int64_t end, int) {
      int64_t at = 0;
      for (int i = 0; i < r.input_count(); ++i) {
        const Tensor& x = r.in(i);
        int64_t columns = x.shape.back(), width = widths_.empty() ? columns : widths_[size_t(i)];
        visit_dtype(TypeList<float, double, int32_t, int64_t>{}, x.dtype, [&]<class T>() {
          for (int64_t row = begin; row < end; ++row) {
            float* to = r.out<float>(0) + row * total + at;
            int64_t n = std::min(width, columns);
            for (int64_t k = 0; k < n; ++k) to[k] = float(x.as<T>()[row * columns + k]);
            std::fill(to + n, to + width, 0.0f);
          }
        });
        at += width;
      }
    });
  }

 private:
  std::vector<int64_t> widths_;
};

}  // namespace

void op_feature_vectorizer(OpTable& t) { t.add<FeatureVectorizer>("ai.onnx.ml", "FeatureVectorizer", 1, 1, -1); }

}  // namespace engine
