#include "ops/quantize/q_linear_unary.h"

#include "ops/quantize/q_linear_binary.h"

namespace engine {

Status QLinearUnary::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtype_set(DType::Int8, DType::Uint8)));
  ENGINE_TRY(require_quantized_scalar(c, 1, 2, 0));
  ENGINE_TRY(require_quantized_scalar(c, 3, 4, 0));
  read_attributes(c);
  c.set(0, c.type(0));
  c.allow_in_place(0, 0);
  return {};
}

Status QLinearUnary::run(OpRun& r) const {
  DType dtype = r.in(0).dtype;
  uint8_t codes[256], table[256];
  float values[256];
  for (int i = 0; i < 256; ++i) codes[i] = uint8_t(i);
  Dequantizer(dtype, DType::Float)(codes, quantized_scalar(r, 1, 2).scales(), values, 256);
  unary_kernel(ElementType::f32, op_)(values, values, 256, params_);
  Quantizer(DType::Float, dtype, DType::Float, true)(values, quantized_scalar(r, 3, 4).scales(), table, 256);
  const uint8_t* x = r.in<uint8_t>(0);
  uint8_t* y = r.out<uint8_t>(0);
  return r.parallel(r.in(0).elements(), 0.5, [&](int64_t begin, int64_t end, int) {
    const uint8_t *from = x, *map = table;
    uint8_t* to = y;
    for (int64_t i = begin; i < end; ++i) to[i] = map[from[i]];
  });
}

}  // namespace engine
