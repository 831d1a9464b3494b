#include "ops/float_features.h"

namespace engine {
namespace {

class Scaler final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    scale_ = c.attr_floats("scale");
    offset_ = c.attr_floats("offset");
    if (scale_.empty()) scale_ = {1};
    if (offset_.empty()) offset_.assign(scale_.size(), 0);
    if (scale_.size() != offset_.size())
      return error(Code::InvalidModel, "scale has %zu entries, offset %zu", scale_.size(), offset_.size());
    TypeInfo type = c.type(0);
    type.dtype = DType::Float;
    int64_t n = int64_t(scale_.size());
    if (c.has_rank(0) && n > 1 && (c.shape(0).rank() < 1 || (c.shape(0).back() >= 0 && c.shape(0).back() != n)))
      return error(Code::InvalidModel, "scale has %lld entries for shape %s", (long long)n, c.shape(0).text().c_str());
    c.set(0, type);
    if (c.dtype(0) == DType::Float) c.allow_in_place(0, 0);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    int64_t n = x.elements(), width = scale_.size() == 1 ? 1 : int64_t(scale_.size()), rows = n / width;
    if (width == 1) return r.parallel(n, 0.4, [&](int64_t b, int64_t e, int) { scale_all(r, x, b, e); });
    return r.parallel(rows, 0.7 * double(width) + 3, [&](int64_t b, int64_t e, int) { scale_rows(r, x, width, b, e); });
  }

 private:
  void scale_all(OpRun& r, const Tensor& x, int64_t begin, int64_t end) const {
    float scale = scale_[0], offset = offset_[0];
    visit_dtype(TypeList<float, double, int32_t, int64_t>{}, x.dtype, [&]<class T>() {
      for (int64_t i = begin; i < end; ++i) r.out<float>(0)[i] = float((x.as<T>()[i] - offset) * scale);
    });
  }

  void scale_rows(OpRun& r, const Tensor& x, int64_t width, int64_t begin, int64_t end) const {
    visit_dtype(TypeList<float, double, int32_t, int64_t>{}, x.dtype, [&]<class T>() {
      for (int64_t row = begin; row < end; ++row) {
        const T* in = x.as<T>() + row * width;
        float* out = r.out<float>(0) + row * width;
        for (int64_t k = 0; k < width; ++k) out[k] = float((in[k] - offset_[size_t(k)]) * scale_[size_t(k)]);
      }
    });
  }

  std::vector<float> scale_, offset_;
};

}  // namespace

void op_scaler(OpTable& t) { t.add<Scaler>("ai.onnx.ml", "Scaler", 1, 1, 1); }

}  // namespace engine
