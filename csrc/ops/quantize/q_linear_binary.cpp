#include "ops/quantize/q_linear_binary.h"

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtype_set(DType::Int8, DType::Uint8);

}  // namespace

QuantizedScalar quantized_scalar(const OpRun& r, int scale, int zero) {
  QuantizedScalar s;
  s.scale = *r.in<float>(scale);
  if (r.has(zero)) s.zero = float(integer_at(r.in(zero), 0));
  return s;
}

Status require_quantized_scalar(InferContext& c, int scale, int zero, int data) {
  ENGINE_TRY(c.require(scale, dtypes::kFloat32));
  if (c.has_input(zero)) ENGINE_TRY(c.require_same(data, zero));
  for (int i : {scale, zero})
    if (c.known(i) && c.shape(i).elements() != 1)
      return error(Code::UnsupportedOperator, "input %d has shape %s; a scalar is supported", i, c.shape(i).text().c_str());
  return {};
}

Status QLinearBinary::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, kTypes));
  ENGINE_TRY(c.require_same(0, 3));
  ENGINE_TRY(require_quantized_scalar(c, 1, 2, 0));
  ENGINE_TRY(require_quantized_scalar(c, 4, 5, 0));
  ENGINE_TRY(require_quantized_scalar(c, 6, 7, 0));
  c.set(0, c.dtype(0));
  if (!c.has_rank(0) || !c.has_rank(3)) return {};
  ENGINE_ASSIGN(Shape shape, broadcast_shapes(c.shape(0), c.shape(3)));
  c.set(0, c.dtype(0), shape);
  return {};
}

Status QLinearBinary::prepare(PrepareContext& c) {
  plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(3)});
  dequantize_ = Dequantizer(c.dtype(0), DType::Float);
  quantize_ = Quantizer(DType::Float, c.dtype(0), DType::Float, true);
  for (Broadcast form : {Broadcast::none, Broadcast::scalar_right, Broadcast::scalar_left})
    combine_[int(form)] = binary_kernel(ElementType::f32, op_, form);
  return {};
}

Status QLinearBinary::run(OpRun& r) const {
  QuantizedScalar sa = quantized_scalar(r, 1, 2), sb = quantized_scalar(r, 4, 5), sc = quantized_scalar(r, 6, 7);
  const char *a = r.in<char>(0), *b = r.in<char>(3);
  char* y = r.out<char>(0);
  Broadcast form = !plan_.varies[1] ? Broadcast::scalar_right : !plan_.varies[0] ? Broadcast::scalar_left : Broadcast::none;
  return r.parallel(plan_.elements, 2.0 + 10.0 / double(plan_.inner), [&](int64_t begin, int64_t end, int) {
    alignas(64) float block_a[kConvertBlock], block_b[kConvertBlock];
    plan_.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
      for (int64_t i = 0; i < n; i += kConvertBlock) {
        int64_t m = std::min(kConvertBlock, n - i);
        bool a_varies = form != Broadcast::scalar_left, b_varies = form != Broadcast::scalar_right;
        dequantize_(a + from[0] + (a_varies ? i : 0), sa.scales(), block_a, a_varies ? m : 1);
        dequantize_(b + from[1] + (b_varies ? i : 0), sb.scales(), block_b, b_varies ? m : 1);
        float* result = a_varies ? block_a : block_b;
        combine_[int(form)](block_a, block_b, result, size_t(m));
        quantize_(result, sc.scales(), y + at + i, m);
      }
    });
  });
}

}  // namespace engine
