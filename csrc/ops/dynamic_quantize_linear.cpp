#include "ops/quantize/dynamic_scale.h"
#include "ops/quantize/quantizer.h"

namespace engine {
namespace {

class DynamicQuantizeLinear final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloat32));
    TypeInfo type = c.type(0);
    type.dtype = DType::Uint8;
    c.set(0, type);
    c.set(1, DType::Float, Shape{});
    c.set(2, DType::Uint8, Shape{});
    return {};
  }

  Status prepare(PrepareContext& c) override {
    c.need_scratch(dynamic_scale_scratch());
    quantize_ = Quantizer(DType::Float, DType::Uint8, DType::Float, true);
    return {};
  }

  Status run(OpRun& r) const override {
    const float* x = r.in<float>(0);
    int64_t n = r.in(0).elements();
    DynamicScale d;
    ENGINE_TRY(dynamic_scale(r, x, n, &d));
    if (r.wants(1)) *r.out<float>(1) = d.scale;
    if (r.wants(2)) *r.out<uint8_t>(2) = uint8_t(d.zero);
    if (!r.wants(0)) return {};
    uint8_t* y = r.out<uint8_t>(0);
    return r.parallel(n, 1.0, [&](int64_t begin, int64_t end, int) {
      quantize_(x + begin, QuantScales{&d.scale, d.zero != 0 ? &d.zero : nullptr, false}, y + begin, end - begin);
    });
  }

 private:
  Quantizer quantize_;
};

}  // namespace

void op_dynamic_quantize_linear(OpTable& t) { t.add<DynamicQuantizeLinear>("", "DynamicQuantizeLinear", 11, 1, 1, 3, 3); }

}  // namespace engine
