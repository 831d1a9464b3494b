// The conversion loops and the table of one tier. For tier files.
#pragma once

#include "kernels/convert/cast.inl"
#include "kernels/convert/convert.h"
#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {

template <class From, class To>
void run_convert(const void* input, void* output, size_t n) {
  const From* x = static_cast<const From*>(input);
  To* y = static_cast<To*>(output);
  ENGINE_IVDEP
  for (size_t i = 0; i < n; ++i) y[i] = Cast<To>::from(number(x[i]));
}

template <>
inline void run_convert<HalfBits, float>(const void* input, void* output, size_t n) {
  const uint16_t* x = static_cast<const uint16_t*>(input);
  float* y = static_cast<float*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, load_f16(x + i));
  if (i < n) store(y + i, load_f16(x + i, n - i), n - i);
}

template <>
inline void run_convert<float, HalfBits>(const void* input, void* output, size_t n) {
  const float* x = static_cast<const float*>(input);
  uint16_t* y = static_cast<uint16_t*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store_f16(y + i, load(x + i));
  if (i < n) store_f16(y + i, load(x + i, n - i), n - i);
}

template <>
inline void run_convert<BFloatBits, float>(const void* input, void* output, size_t n) {
  const uint16_t* x = static_cast<const uint16_t*>(input);
  float* y = static_cast<float*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, load_bf16(x + i));
  if (i < n) store(y + i, load_bf16(x + i, n - i), n - i);
}

template <>
inline void run_convert<float, BFloatBits>(const void* input, void* output, size_t n) {
  const float* x = static_cast<const float*>(input);
  uint16_t* y = static_cast<uint16_t*>(output);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store_bf16(y + i, load(x + i));
  if (i < n) store_bf16(y + i, load(x + i, n - i), n - i);
}

// Conversions in the order of ElementType.
#define ENGINE_CONVERT_ROW(From)                                                                            \
  {run_convert<From, float>,    run_convert<From, double>,   run_convert<From, HalfBits>,                   \
   run_convert<From, BFloatBits>, run_convert<From, int8_t>, run_convert<From, int16_t>,                    \
   run_convert<From, int32_t>,  run_convert<From, int64_t>,  run_convert<From, uint8_t>,                    \
   run_convert<From, uint16_t>, run_convert<From, uint32_t>, run_convert<From, uint64_t>,                   \
   run_convert<From, Boolean>}

extern const ConvertKernels convert_table;
const ConvertKernels convert_table = {{
    ENGINE_CONVERT_ROW(float), ENGINE_CONVERT_ROW(double), ENGINE_CONVERT_ROW(HalfBits), ENGINE_CONVERT_ROW(BFloatBits),
    ENGINE_CONVERT_ROW(int8_t), ENGINE_CONVERT_ROW(int16_t), ENGINE_CONVERT_ROW(int32_t), ENGINE_CONVERT_ROW(int64_t),
    ENGINE_CONVERT_ROW(uint8_t), ENGINE_CONVERT_ROW(uint16_t), ENGINE_CONVERT_ROW(uint32_t),
    ENGINE_CONVERT_ROW(uint64_t), ENGINE_CONVERT_ROW(Boolean),
}};
#undef ENGINE_CONVERT_ROW

}  // namespace engine::ENGINE_TIER
