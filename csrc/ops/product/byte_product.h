// A stack of products of 8-bit integers with zero points and scales, as a part of operators.
//
//   int32   sum (A - a_zero) (B - b_zero)
//   float32 sum * (a_scale * b_scale) + float_bias
//   8 bits  saturate(round(sum * (a_scale * b_scale / y_scale)) + y_zero)
// with sum + int_bias in place of sum, and alpha times a_scale in place of a_scale.
#pragma once

#include "kernels/gemm/gemm_int8.h"
#include "ops/op.h"
#include "ops/product/product_shape.h"
#include "ops/quantize/quantizer.h"

namespace engine {

// Positions of inputs; -1: the operator has no such input. Each but a and b may also be left out.
struct ByteInputs {
  int a = 0, b = 1;
  int a_scale = -1, a_zero = -1, b_scale = -1, b_zero = -1, y_scale = -1, y_zero = -1;
  int int_bias = -1, float_bias = -1;
};

class ByteProduct {
 public:
  ByteInputs inputs;
  bool trans_a = false, trans_b = false;
  float alpha = 1;
  Activation activation = Activation::none;  // float32 results only
  float activation_a = 0, activation_b = 0;

  // Checks the operands and tells output 0. float_a: A is float32, quantised while running (dynamic_scale).
  Status infer(InferContext& c, DType result, bool float_a = false);
  Status prepare(PrepareContext& c);
  Status run(OpRun& r) const;

 private:
  // A value for everything, for each row or for each column.
  enum class Spread : uint8_t { None, One, Rows, Columns };
  struct Operand {
    int position = -1;
    Spread spread = Spread::None;
    int64_t offset = 0;  // of its expanded values in the shared scratch, when there are several
  };

  Status place(PrepareContext& c, int position, bool rows, Operand* operand, int64_t* scratch);
  Status pack(PrepareContext& c);
  Status quantize_a(OpRun& r, const void** a, float* scale, int32_t* zero) const;
  void set_zeros(OpRun& r, GemmInt8* g) const;
  void set_scales(OpRun& r, float a_scale, GemmInt8* g) const;

  ProductShape shape_;
  DType result_ = DType::Int32, a_type_ = DType::Uint8, b_type_ = DType::Uint8;
  bool float_a_ = false;
  const GemmInt8Kernels* kernels_ = nullptr;
  GemmTiling tiling_{};
  RefPtr<Buffer> packed_;
  int64_t packed_bytes_ = 0;
  int64_t packed_batch_[kMaxRank] = {};
  int64_t a_elements_ = 0;
  Operand a_scale_, a_zero_, b_scale_, b_zero_;
  int64_t row_scales_ = -1, column_scales_ = -1;  // offsets in the shared scratch
  Quantizer quantize_;
};

}  // namespace engine
