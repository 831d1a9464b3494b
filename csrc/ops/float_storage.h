// Elements of float32, float16 and bfloat16 tensors as floats. REQUIRES: one of these dtypes.
#pragma once

#include <cstring>

#include "kernels/convert/convert.h"
#include "tensor/tensor.h"

namespace engine {

inline float load_float(const Tensor& t, int64_t i) {
  if (t.dtype == DType::Float) return t.as<float>()[i];
  uint16_t bits = t.as<uint16_t>()[i];
  return t.dtype == DType::Float16 ? half_bits_to_float(bits) : bfloat_bits_to_float(bits);
}

inline void store_float(const Tensor& t, int64_t i, float x) {
  if (t.dtype == DType::Float) t.as<float>()[i] = x;
  else t.as<uint16_t>()[i] = t.dtype == DType::Float16 ? float_to_half_bits(x) : float_to_bfloat_bits(x);
}

// REQUIRES: Float16 or BFloat16.
inline ElementType half_element(DType dtype) { return dtype == DType::Float16 ? ElementType::f16 : ElementType::bf16; }

// Elements [at, at + n) of t.
inline void load_floats(const Tensor& t, int64_t at, int64_t n, float* to) {
  if (t.dtype == DType::Float) {
    std::memcpy(to, t.as<float>() + at, size_t(n) * sizeof(float));
    return;
  }
  convert_kernel(half_element(t.dtype), ElementType::f32)(t.as<uint16_t>() + at, to, size_t(n));
}

inline void store_floats(const float* from, int64_t n, const Tensor& t, int64_t at) {
  if (t.dtype == DType::Float) {
    std::memcpy(t.as<float>() + at, from, size_t(n) * sizeof(float));
    return;
  }
  convert_kernel(ElementType::f32, half_element(t.dtype))(from, t.as<uint16_t>() + at, size_t(n));
}

}  // namespace engine
