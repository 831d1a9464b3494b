#include "ops/quantize/quantizer.h"

#include <algorithm>

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

bool is_byte(DType d) { return d == DType::Int8 || d == DType::Uint8; }

void quantize_bytes(DType dtype, const float* x, QuantScales s, void* y, int64_t n) {
  const QuantKernels& kernels = quant_kernels();
  if (dtype == DType::Int8) kernels.quantize_i8(x, s, static_cast<int8_t*>(y), size_t(n));
  else kernels.quantize_u8(x, s, static_cast<uint8_t*>(y), size_t(n));
}

void dequantize_bytes(DType dtype, const void* x, QuantScales s, float* y, int64_t n) {
  const QuantKernels& kernels = quant_kernels();
  if (dtype == DType::Int8) kernels.dequantize_i8(static_cast<const int8_t*>(x), s, y, size_t(n));
  else kernels.dequantize_u8(static_cast<const uint8_t*>(x), s, y, size_t(n));
}

// y = op(y, operand) in place, the operand one element or n.
void combine(BinaryOp op, float* y, const float* operand, bool varies, int64_t n) {
  Broadcast form = varies ? Broadcast::none : Broadcast::scalar_right;
  binary_kernel(ElementType::f32, op, form)(y, operand, y, size_t(n));
}

void apply(UnaryOp op, float* y, UnaryParams params, int64_t n) {
  unary_kernel(ElementType::f32, op)(y, y, size_t(n), params);
}

void divide_in_double(const int32_t* x, QuantScales s, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = float(double(x[i]) / double(s.scale[s.varies ? i : 0]));
}

}  // namespace

QuantizedRange quantized_range(DType dtype) {
  int bits = dtype_file_bits(dtype);
  bool is_signed = contains(dtype_set(DType::Int8, DType::Int16, DType::Int4, DType::Int2), dtype);
  float span = float(1 << bits);
  return is_signed ? QuantizedRange{-span / 2, span / 2 - 1} : QuantizedRange{0, span - 1};
}

Quantizer::Quantizer(DType x, DType y, DType precision, bool saturate)
    : x_(x), y_(y), rounds_(is_half_width(precision)), integer_(contains(kQuantizedIntegers, y)),
      double_(precision == DType::Double && x == DType::Int32), byte_(is_byte(y) && !rounds_ && !double_) {
  range_ = integer_ ? quantized_range(y) : QuantizedRange{};
  load_ = Converter(x, DType::Float);
  if (rounds_) {
    round_ = Converter(DType::Float, precision);
    widen_ = Converter(precision, DType::Float);
  }
  store_ = Converter(DType::Float, y, SmallFloatRounding{saturate, RoundMode::Up});
}

void Quantizer::block(const void* x, QuantScales s, void* y, int64_t n) const {
  alignas(64) float wide[kConvertBlock];
  alignas(64) uint16_t narrow[kConvertBlock];
  auto round_to_precision = [&] {
    if (!rounds_) return;
    round_(wide, narrow, n);
    widen_(narrow, wide, n);
  };
  if (double_) {
    divide_in_double(static_cast<const int32_t*>(x), s, wide, n);
  } else {
    load_(x, wide, n);
    if (byte_) return quantize_bytes(y_, wide, s, y, n);
    round_to_precision();
    combine(BinaryOp::div, wide, s.scale, s.varies, n);
    round_to_precision();
  }
  if (integer_) apply(UnaryOp::round, wide, {}, n);
  if (s.zero) combine(BinaryOp::add, wide, s.zero, s.varies, n);
  if (integer_) apply(UnaryOp::clip, wide, {range_.low, range_.high}, n);
  store_(wide, y, n);
}

void Quantizer::operator()(const void* x, QuantScales s, void* y, int64_t n) const {
  if (byte_ && x_ == DType::Float) return quantize_bytes(y_, static_cast<const float*>(x), s, y, n);
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    QuantScales part = s;
    if (s.varies) {
      part.scale += i;
      if (s.zero) part.zero += i;
    }
    block(static_cast<const char*>(x) + i * dtype_size(x_), part, static_cast<char*>(y) + i * dtype_size(y_),
          std::min(kConvertBlock, n - i));
  }
}

Dequantizer::Dequantizer(DType x, DType y) : x_(x), y_(y), load_(x, DType::Float), store_(DType::Float, y) {}

void Dequantizer::operator()(const void* x, QuantScales s, void* y, int64_t n) const {
  if (is_byte(x_) && y_ == DType::Float) return dequantize_bytes(x_, x, s, static_cast<float*>(y), n);
  alignas(64) float wide[kConvertBlock];
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t m = std::min(kConvertBlock, n - i);
    void* to = static_cast<char*>(y) + i * dtype_size(y_);
    float* values = y_ == DType::Float ? static_cast<float*>(to) : wide;
    load_(static_cast<const char*>(x) + i * dtype_size(x_), values, m);
    if (s.zero) combine(BinaryOp::sub, values, s.zero + (s.varies ? i : 0), s.varies, m);
    combine(BinaryOp::mul, values, s.scale + (s.varies ? i : 0), s.varies, m);
    if (values == wide) store_(wide, to, m);
  }
}

}  // namespace engine
