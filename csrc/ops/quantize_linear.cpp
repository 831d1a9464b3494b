#include "ops/quantize/granularity.h"
#include "ops/quantize/scales.h"

namespace engine {
namespace {

constexpr DTypeSet kData = dtype_set(DType::Float, DType::Float16, DType::BFloat16, DType::Int32);

class QuantizeLinear final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kData));
    ENGINE_TRY(c.require(1, kData | dtype_set(DType::Float8E8M0)));
    ENGINE_ASSIGN(DType to, output_type(c));
    if (!contains(kQuantizedTypes, to))
      return error(Code::UnsupportedOperator, "quantization to %s is not supported; supported are %s", dtype_name(to),
                   dtype_set_names(kQuantizedTypes).c_str());
    ENGINE_TRY(read_precision(c));
    saturate_ = c.attr_int("saturate", 1) != 0;
    TypeInfo type = c.type(0);
    type.dtype = to;
    c.set(0, type);
    return check_shapes(c);
  }

  Status prepare(PrepareContext& c) override {
    quantize_ = Quantizer(c.dtype(0), c.output_dtype(0), precision_, saturate_);
    scales_.read_constants(c, 1, 2);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    Tensor& y = r.out(0);
    if (x.elements() == 0) return {};
    Scales at_run;
    if (scales_.empty()) ENGINE_TRY(at_run.read(r, 1, 2));
    const Scales& scales = scales_.empty() ? at_run : scales_;
    return r.parallel(x.elements(), ns_per_element(y.dtype), [&](int64_t begin, int64_t end, int) {
      grid_.each_run(begin, end, [&](int64_t at, int64_t scale, bool varies, int64_t n) {
        quantize_(x.as<char>() + at * dtype_size(x.dtype), scales.at(scale, varies), y.as<char>() + at * dtype_size(y.dtype), n);
      });
    });
  }

 private:
  static double ns_per_element(DType y) {
    if (y == DType::Int8 || y == DType::Uint8) return 0.3;
    return contains(kQuantizedIntegers, y) ? 1.0 : 6.0;
  }

  static Result<DType> output_type(InferContext& c) {
    int64_t number = c.attr_int("output_dtype", 0);
    DType named = dtype_from_onnx(number);
    if (number != 0 && named == DType::Undefined)
      return error(Code::InvalidModel, "output_dtype is %lld, which names no element type", (long long)number);
    if (!c.has_input(2)) return number ? named : DType::Uint8;
    ENGINE_TRY(c.require(2, kQuantizedTypes));
    if (number && named != c.dtype(2))
      return error(Code::InvalidModel, "output_dtype is %s but the zero point has dtype %s", dtype_name(named), dtype_name(c.dtype(2)));
    return c.dtype(2);
  }

  Status read_precision(InferContext& c) {
    int64_t number = c.attr_int("precision", 0);
    DType scale = c.dtype(1);
    if (number == 0) {
      precision_ = scale == DType::Float8E8M0 ? DType::Float : scale == DType::Int32 ? DType::Double : scale;
      return {};
    }
    precision_ = dtype_from_onnx(number);
    if (contains(dtype_set(DType::Float, DType::Float16, DType::BFloat16), precision_)) return {};
    return error(Code::UnsupportedOperator, "precision %s is not supported; supported are float32, float16, bfloat16",
                 dtype_name(precision_));
  }

  Status check_shapes(InferContext& c) {
    if (c.known(1) && c.known(2) && c.shape(1).elements() != c.shape(2).elements())
      return error(Code::InvalidModel, "scale has shape %s and zero point %s, which must be the same",
                   c.shape(1).text().c_str(), c.shape(2).text().c_str());
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(grid_, Granularity::of(c.shape(0), c.shape(1), c.attr_int("axis", 1), c.attr_int("block_size", 0)));
    return {};
  }

  DType precision_ = DType::Float;
  bool saturate_ = true;
  Granularity grid_;
  Quantizer quantize_;
  Scales scales_;
};

}  // namespace

void op_quantize_linear(OpTable& t) {
  for (int since : {10, 13, 19, 21, 23, 24, 25, 28}) t.add<QuantizeLinear>("", "QuantizeLinear", since, 2, 3);
  t.add<QuantizeLinear>("com.microsoft", "QuantizeLinear", 1, 2, 3);
}

}  // namespace engine
