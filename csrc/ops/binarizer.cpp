#include "ops/float_features.h"

namespace engine {
namespace {

class Binarizer final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    threshold_ = c.attr_float("threshold", 0);
    c.set(0, c.type(0));
    c.allow_in_place(0, 0);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    return r.parallel(x.elements(), 0.5, [&](int64_t begin, int64_t end, int) {
      visit_dtype(TypeList<float, double, int32_t, int64_t>{}, x.dtype, [&]<class T>() {
        const T* in = x.as<T>();
        T* out = r.out<T>(0);
        for (int64_t i = begin; i < end; ++i) out[i] = in[i] > threshold_ ? T(1) : T(0);
      });
    });
  }

 private:
  float threshold_ = 0;
};

}  // namespace

void op_binarizer(OpTable& t) { t.add<Binarizer>("ai.onnx.ml", "Binarizer", 1, 1, 1); }

}  // namespace engine
