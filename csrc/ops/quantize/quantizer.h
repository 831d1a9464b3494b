// Floats to a quantised type and back, block by block.
//
//   quantize     y = saturate(round_half_even(x / scale) + zero)      integers; a NaN becomes 0 (see kernels/quant)
//                y = x / scale (+ zero), rounded to the small float   float8, float6, float4
//   dequantize   y = (x - zero) * scale, computed in float32
#pragma once

#include "kernels/quant/quant.h"
#include "ops/elementwise/convert.h"

namespace engine {

inline constexpr DTypeSet kQuantizedIntegers =
    dtype_set(DType::Int8, DType::Uint8, DType::Int16, DType::Uint16, DType::Int4, DType::Uint4, DType::Int2, DType::Uint2);
inline constexpr DTypeSet kQuantizedFloats =
    dtype_set(DType::Float8E4M3FN, DType::Float8E4M3FNUZ, DType::Float8E5M2, DType::Float8E5M2FNUZ, DType::Float4E2M1,
              DType::Float6E2M3, DType::Float6E3M2);
inline constexpr DTypeSet kQuantizedTypes = kQuantizedIntegers | kQuantizedFloats;

// The range of an integer type of the set.
struct QuantizedRange {
  float low, high;
};
QuantizedRange quantized_range(DType dtype);

class Quantizer {
 public:
  Quantizer() = default;
  // precision: the type in which x / scale is rounded (Float, Double, Float16, BFloat16).
  Quantizer(DType x, DType y, DType precision, bool saturate);
  // y[i] for n elements; any n.
  void operator()(const void* x, QuantScales scales, void* y, int64_t n) const;

 private:
  void block(const void* x, QuantScales scales, void* y, int64_t n) const;

  DType x_ = DType::Float, y_ = DType::Float;
  bool rounds_ = false, integer_ = false, double_ = false, byte_ = false;
  QuantizedRange range_{};
  Converter load_, round_, widen_, store_;
};

class Dequantizer {
 public:
  Dequantizer() = default;
  Dequantizer(DType x, DType y);
  void operator()(const void* x, QuantScales scales, void* y, int64_t n) const;

 private:
  DType x_ = DType::Float, y_ = DType::Float;
  Converter load_, store_;
};

}  // namespace engine
