// float16 and bfloat16 bit patterns to and from float, one value at a time, exact or to nearest even.
// For tier files: everything is defined inside engine::<tier>. A NaN stays a (quiet) NaN.
#pragma once

#include <stdint.h>
#include <string.h>

#include "kernels/simd/compiler.h"

namespace engine::ENGINE_TIER {

ENGINE_INLINE uint32_t float_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}

ENGINE_INLINE float bits_float(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}

ENGINE_INLINE float f16_to_f32(uint16_t h) {
  uint32_t magnitude = h & 0x7fffu;
  float normal = bits_float((magnitude << 13) + 0x38000000u);
  float small = bits_float((magnitude & 0x3ffu) + 0x3f000000u) - 0.5f;
  float special = bits_float(magnitude << 13 | 0x7f800000u | (magnitude > 0x7c00u ? 0x400000u : 0u));
  float y = magnitude >= 0x7c00u ? special : magnitude < 0x400u ? small : normal;
  return bits_float(float_bits(y) | uint32_t(h & 0x8000u) << 16);
}

ENGINE_INLINE uint16_t f32_to_f16(float x) {
  uint32_t u = float_bits(x), sign = u >> 16 & 0x8000u, magnitude = u & 0x7fffffffu;
  uint32_t normal = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
  uint32_t small = float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t y = magnitude < 0x38800000u ? small : normal;
  y = magnitude >= 0x477ff000u ? 0x7c00u : y;
  y = magnitude > 0x7f800000u ? 0x7e00u | (magnitude >> 13 & 0x3ffu) : y;
  return uint16_t(sign | y);
}

ENGINE_INLINE float bf16_to_f32(uint16_t b) { return bits_float(uint32_t(b) << 16); }

ENGINE_INLINE uint16_t f32_to_bf16(float x) {
  uint32_t u = float_bits(x);
  uint32_t rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
  uint32_t quiet = u >> 16 | 0x40u;
  return uint16_t((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

}  // namespace engine::ENGINE_TIER
