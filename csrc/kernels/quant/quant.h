// Float32 to bytes and back with a scale and a zero point, and the range of floats.
//
//   quantize     y = saturate(round_half_even(x / scale) + zero); NaN gives 0
//   dequantize   y = (x - zero) * scale
//
// Element i of an output depends on element i of the inputs alone, so any cut of the work gives the same bits. n may be 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine {

// Scales and zero points: one of each, or one an element.
struct QuantScales {
  const float* scale;
  const float* zero;  // integral values; null: all are 0
  bool varies;
};

// The sum of two quantised numbers: saturate(round_half_even(a a_factor + b b_factor + shift) + zero).
struct QuantSum {
  float a_factor, b_factor, shift, zero;
};

// (a - a_zero) a_scale + (b - b_zero) b_scale as multiples of y_scale.
QuantSum quant_sum(float a_scale, float a_zero, float b_scale, float b_zero, float y_scale, float y_zero);

struct QuantKernels {
  void (*quantize_i8)(const float* x, QuantScales scales, int8_t* y, size_t n);
  void (*quantize_u8)(const float* x, QuantScales scales, uint8_t* y, size_t n);
  void (*dequantize_i8)(const int8_t* x, QuantScales scales, float* y, size_t n);
  void (*dequantize_u8)(const uint8_t* x, QuantScales scales, float* y, size_t n);
  // *low = min(*low, x[0], ...), *high = max(*high, x[0], ...); both become NaN when an element is NaN. Whatever the order
  // of calls the results are the same, but for the sign of a zero.
  void (*extremes)(const float* x, size_t n, float* low, float* high);
  // y may be x, or a.
  void (*lookup)(const uint8_t* x, const uint8_t* table, uint8_t* y, size_t n);
  void (*add_i8)(const int8_t* a, const int8_t* b, QuantSum sum, int8_t* y, size_t n);
  void (*add_u8)(const uint8_t* a, const uint8_t* b, QuantSum sum, uint8_t* y, size_t n);
};

// The table of the active tier.
const QuantKernels& quant_kernels();

}  // namespace engine
