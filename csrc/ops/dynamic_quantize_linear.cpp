#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/element_type.h"
#include "ops/quantize/quantizer.h"
#include "ops/op.h"

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
    c.need_scratch(int64_t(sizeof(Extremes)));
    quantize_ = Quantizer(DType::Float, DType::Uint8, DType::Float, true);
    return {};
  }

  Status run(OpRun& r) const override {
    const float* x = r.in<float>(0);
    int64_t n = r.in(0).elements();
    float low = 0, high = 0;
    ENGINE_TRY(extremes(r, x, n, &low, &high));
    float scale = (high - low) / 255.0f;
    if (scale == 0) scale = 1;
    float zero = std::nearbyint(std::clamp(0.0f - low / scale, 0.0f, 255.0f));
    if (std::isnan(zero)) zero = 0;
    if (r.wants(1)) *r.out<float>(1) = scale;
    if (r.wants(2)) *r.out<uint8_t>(2) = uint8_t(zero);
    if (!r.wants(0)) return {};
    uint8_t* y = r.out<uint8_t>(0);
    return r.parallel(n, 1.0, [&](int64_t begin, int64_t end, int) {
      quantize_(x + begin, RunScales{&scale, zero != 0 ? &zero : nullptr, false}, y + begin, end - begin);
    });
  }

 private:
  // Running extremes of a worker, lane by lane; 0 belongs to every range.
  struct Extremes {
    float low[kConvertBlock], high[kConvertBlock];
  };

  static Status extremes(OpRun& r, const float* x, int64_t n, float* low, float* high) {
    BinaryFn least = binary_kernel(ElementType::f32, BinaryOp::min, Broadcast::none);
    BinaryFn most = binary_kernel(ElementType::f32, BinaryOp::max, Broadcast::none);
    for (int w = 0; w < r.workers(); ++w) std::memset(static_cast<void*>(r.scratch<Extremes>(w)), 0, sizeof(Extremes));
    ENGINE_TRY(r.parallel(n, 0.3, [&](int64_t begin, int64_t end, int worker) {
      Extremes& e = *r.scratch<Extremes>(worker);
      for (int64_t i = begin; i < end; i += kConvertBlock) {
        size_t m = size_t(std::min(kConvertBlock, end - i));
        least(e.low, x + i, e.low, m);
        most(e.high, x + i, e.high, m);
      }
    }));
    for (int w = 0; w < r.workers(); ++w) {
      const Extremes& e = *r.scratch<Extremes>(w);
      for (int64_t i = 0; i < kConvertBlock; ++i) {
        least(low, e.low + i, low, 1);
        most(high, e.high + i, high, 1);
      }
    }
    return {};
  }

  Quantizer quantize_;
};

}  // namespace

void op_dynamic_quantize_linear(OpTable& t) { t.add<DynamicQuantizeLinear>("", "DynamicQuantizeLinear", 11, 1, 1, 3, 3); }

}  // namespace engine
