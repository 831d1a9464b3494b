#include "ops/quantize/granularity.h"
#include "ops/quantize/scales.h"

namespace engine {
namespace {

constexpr DTypeSet kFloats = dtype_set(DType::Float, DType::Float16, DType::BFloat16);

class DequantizeLinear final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kQuantizedTypes | dtype_set(DType::Int32)));
    ENGINE_TRY(c.require(1, kFloats | dtype_set(DType::Float8E8M0)));
    if (c.has_input(2)) ENGINE_TRY(c.require_same(0, 2));
    int64_t number = c.attr_int("output_dtype", 0);
    DType to = number ? dtype_from_onnx(number) : c.dtype(1);
    if (!contains(kFloats, to))
      return error(Code::UnsupportedOperator, "dequantization to %s is not supported; supported are %s", dtype_name(to),
                   dtype_set_names(kFloats).c_str());
    TypeInfo type = c.type(0);
    type.dtype = to;
    c.set(0, type);
    return check_shapes(c);
  }

  Status prepare(PrepareContext& c) override {
    dequantize_ = Dequantizer(c.dtype(0), c.output_dtype(0));
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
    return r.parallel(x.elements(), contains(kQuantizedIntegers, x.dtype) ? 0.6 : 2.0, [&](int64_t begin, int64_t end, int) {
      grid_.each_run(begin, end, [&](int64_t at, int64_t scale, bool varies, int64_t n) {
        dequantize_(x.as<char>() + at * dtype_size(x.dtype), scales.at(scale, varies), y.as<char>() + at * dtype_size(y.dtype), n);
      });
    });
  }

 private:
  Status check_shapes(InferContext& c) {
    if (c.known(1) && c.known(2) && c.shape(1).elements() != c.shape(2).elements())
      return error(Code::InvalidModel, "scale has shape %s and zero point %s, which must be the same",
                   c.shape(1).text().c_str(), c.shape(2).text().c_str());
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(grid_, Granularity::of(c.shape(0), c.shape(1), c.attr_int("axis", 1), c.attr_int("block_size", 0)));
    return {};
  }

  Granularity grid_;
  Dequantizer dequantize_;
  Scales scales_;
};

}  // namespace

void op_dequantize_linear(OpTable& t) {
  for (int since : {10, 13, 19, 21, 23, 24, 25, 28}) t.add<DequantizeLinear>("", "DequantizeLinear", since, 2, 3);
  t.add<DequantizeLinear>("com.microsoft", "DequantizeLinear", 1, 2, 3);
}

}  // namespace engine
