#include <cmath>
#include <limits>

#include "ops/elementwise/binary.h"
#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

// min(max(x, low), high): NaN in x stays NaN; where low > high the result is high.
class Clip final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    if (c.opset() < 11) {
      low_ = c.attr_float("min", std::numeric_limits<float>::lowest());
      high_ = c.attr_float("max", std::numeric_limits<float>::max());
    }
    for (int i = 1; i < 3; ++i) {
      if (!c.has_input(i)) continue;
      ENGINE_TRY(c.require_same(0, i));
      if (c.known(i) && c.shape(i).elements() != 1)
        return error(Code::InvalidModel, "input %d has shape %s; a scalar is allowed", i, c.shape(i).text().c_str());
    }
    c.set(0, c.type(0));
    c.allow_in_place(0, 0);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    plan_ = merge_broadcast(c.shape(0), {&c.shape(0), &c.shape(0)});
    plan_.varies[1] = false;
    DType dtype = c.dtype(0);
    max_ = BinaryLoop(BinaryOp::max, dtype);
    min_ = BinaryLoop(BinaryOp::min, dtype);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    if (x.elements() == 0) return {};
    if (x.dtype == DType::Float) {
      UnaryParams bounds{r.has(1) ? *r.in<float>(1) : low_, r.has(2) ? *r.in<float>(2) : high_};
      if (!std::isnan(bounds.a) && !std::isnan(bounds.b)) return run_float(r, bounds);
    }
    const void* from = x.data;
    void* y = r.out(0).data;
    bool has_low = r.has(1) || bounded_by_attributes(), has_high = r.has(2) || bounded_by_attributes();
    alignas(8) char low[8], high[8];
    bound(r, 1, low_, low);
    bound(r, 2, high_, high);
    double ns = max_.ns_per_element() + min_.ns_per_element();
    return r.parallel(plan_.elements, ns, [&](int64_t begin, int64_t end, int) {
      int64_t size = dtype_size(x.dtype);
      for (int64_t i = begin; i < end; i += kConvertBlock) {
        int64_t stop = std::min(i + kConvertBlock, end);
        const void* source = from;
        if (has_low) {
          max_.range(plan_, source, low, y, i, stop);
          source = y;
        }
        if (has_high) {
          min_.range(plan_, source, high, y, i, stop);
          source = y;
        }
        if (source == from && from != y) copy(from, y, i * size, stop * size);
      }
    });
  }

 private:
  bool bounded_by_attributes() const {
    return low_ != -std::numeric_limits<float>::infinity() || high_ != std::numeric_limits<float>::infinity();
  }

  static void copy(const void* x, void* y, int64_t begin, int64_t end) {
    std::copy_n(static_cast<const char*>(x) + begin, end - begin, static_cast<char*>(y) + begin);
  }

  // The bound as one element of x's dtype.
  static void bound(OpRun& r, int i, float attribute, char* out) {
    DType dtype = r.in(0).dtype;
    if (r.has(i)) std::copy_n(r.in<char>(i), dtype_size(dtype), out);
    else Converter(DType::Float, dtype)(&attribute, out, 1);
  }

  static Status run_float(OpRun& r, const UnaryParams& bounds) {
    const float* x = r.in<float>(0);
    float* y = r.out<float>(0);
    UnaryFn clip = unary_kernel(ElementType::f32, UnaryOp::clip);
    return r.parallel(r.in(0).elements(), 0.3,
                      [&](int64_t begin, int64_t end, int) { clip(x + begin, y + begin, size_t(end - begin), bounds); });
  }

  float low_ = -std::numeric_limits<float>::infinity(), high_ = std::numeric_limits<float>::infinity();
  BroadcastPlan plan_;
  BinaryLoop max_, min_;
};

}  // namespace

void op_clip(OpTable& t) {
  for (int since : {1, 6}) t.add<Clip>("", "Clip", since, 1, 1);
  for (int since : {11, 12, 13}) t.add<Clip>("", "Clip", since, 1, 3);
}

}  // namespace engine
