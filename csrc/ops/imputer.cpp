#include <cmath>

#include "ops/float_features.h"

namespace engine {
namespace {

class Imputer final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    bool integer = contains(dtypes::kIntegers, c.dtype(0));
    floats_ = c.attr_floats("imputed_value_floats");
    ints_ = c.attr_ints("imputed_value_int64s");
    replaced_float_ = c.attr_float("replaced_value_float", 0);
    replaced_int_ = c.attr_int("replaced_value_int64", 0);
    count_ = int64_t(integer ? ints_.size() : floats_.size());
    if (count_ == 0)
      return error(Code::InvalidModel, "attribute %s is missing", integer ? "imputed_value_int64s" : "imputed_value_floats");
    if (c.dtype(0) == DType::Int32)
      for (int64_t v : ints_)
        if (v != int32_t(v)) return error(Code::InvalidModel, "imputed value %lld does not fit int32", (long long)v);
    if (c.has_rank(0) && count_ > 1) {
      const Shape& s = c.shape(0);
      if (s.rank() < 1 || (s.back() >= 0 && s.back() != count_))
        return error(Code::InvalidModel, "%lld imputed values for shape %s", (long long)count_, s.text().c_str());
    }
    c.set(0, c.type(0));
    c.allow_in_place(0, 0);
    return {};
  }

  Status run(OpRun& r) const override {
    return r.parallel(r.in(0).elements(), 1.5, [&](int64_t begin, int64_t end, int) {
      switch (r.in(0).dtype) {
        case DType::Float: return replace<float>(r, floats_.data(), replaced_float_, begin, end);
        case DType::Double: return replace<double>(r, floats_.data(), replaced_float_, begin, end);
        case DType::Int32: return replace<int32_t>(r, ints_.data(), replaced_int_, begin, end);
        default: return replace<int64_t>(r, ints_.data(), replaced_int_, begin, end);
      }
    });
  }

 private:
  template <class T, class V>
  void replace(OpRun& r, const V* imputed, V replaced, int64_t begin, int64_t end) const {
    bool nan = replaced != replaced;
    const T* x = r.in<T>(0);
    T* y = r.out<T>(0);
    for (int64_t i = begin; i < end; ++i) {
      bool hit = nan ? x[i] != x[i] : x[i] == replaced;
      y[i] = hit ? T(imputed[count_ == 1 ? 0 : i % count_]) : x[i];
    }
  }

  std::vector<float> floats_;
  std::vector<int64_t> ints_;
  float replaced_float_ = 0;
  int64_t replaced_int_ = 0, count_ = 0;
};

}  // namespace

void op_imputer(OpTable& t) { t.add<Imputer>("ai.onnx.ml", "Imputer", 1, 1, 1); }

}  // namespace engine
