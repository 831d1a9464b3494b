#include "tensor/small_float.h"

#include <bit>
#include <cmath>
#include <limits>

namespace engine {
namespace {

enum class Specials : uint8_t {
  None,      // every pattern is finite
  Ieee,      // the highest exponent is infinity and NaN
  OneNan,    // all ones is NaN, no infinity (fn)
  NegZero,   // 0x80 is NaN, no infinity, no -0 (fnuz)
};

struct Format {
  int exponent_bits, mantissa_bits, bias;
  Specials specials;
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::Float8E4M3FN: return {4, 3, 7, Specials::OneNan};
    case DType::Float8E4M3FNUZ: return {4, 3, 8, Specials::NegZero};
    case DType::Float8E5M2: return {5, 2, 15, Specials::Ieee};
    case DType::Float8E5M2FNUZ: return {5, 2, 16, Specials::NegZero};
    case DType::Float4E2M1: return {2, 1, 1, Specials::None};
    case DType::Float6E2M3: return {2, 3, 1, Specials::None};
    default: return {3, 2, 3, Specials::None};
  }
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

float decode(const Format& f, int bits) {
  int width = f.exponent_bits + f.mantissa_bits, top = (1 << f.exponent_bits) - 1;
  bool negative = (bits >> width) & 1;
  int magnitude = bits & ((1 << width) - 1);
  int exponent = magnitude >> f.mantissa_bits, mantissa = magnitude & ((1 << f.mantissa_bits) - 1);
  if (f.specials == Specials::NegZero && negative && magnitude == 0) return kNan;
  if (f.specials == Specials::OneNan && magnitude == (1 << width) - 1) return negative ? -kNan : kNan;
  if (f.specials == Specials::Ieee && exponent == top) {
    float special = mantissa ? kNan : kInfinity;
    return negative ? -special : special;
  }
  float value = exponent ? std::ldexp(float(mantissa + (1 << f.mantissa_bits)), exponent - f.bias - f.mantissa_bits)
                         : std::ldexp(float(mantissa), 1 - f.bias - f.mantissa_bits);
  return negative ? -value : value;
}

struct Tables {
  float values[kDTypeCount][256];

  Tables() {
    for (int d = 0; d < kDTypeCount; ++d) {
      if (!is_small_float(DType(d))) continue;
      for (int i = 0; i < 256; ++i) values[d][i] = value(DType(d), i);
    }
  }
  static float value(DType d, int bits) {
    if (d == DType::Float8E8M0) return bits == 255 ? kNan : std::ldexp(1.0f, bits - 127);
    return decode(format_of(d), bits & ((1 << dtype_file_bits(d)) - 1));
  }
};

// Magnitude bits of a finite |x| rounded to nearest even, not yet bounded: larger than any finite value when out of range.
uint32_t round_magnitude(const Format& f, float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x) & 0x7fffffffu;
  int exponent = int(bits >> 23) - 127 + f.bias;
  int drop = 23 - f.mantissa_bits;
  uint64_t mantissa = (bits & 0x7fffffu) | ((bits >> 23) ? 0x800000u : 0u);
  if (bits >> 23 == 0) ++exponent;
  if (exponent < 1) {
    drop += 1 - exponent;
    if (drop > 25) return 0;
    exponent = 1;
  }
  uint64_t kept = mantissa >> drop, rest = mantissa & ((uint64_t(1) << drop) - 1), half = uint64_t(1) << (drop - 1);
  kept += rest > half || (rest == half && (kept & 1));
  return uint32_t((uint64_t(exponent - 1) << f.mantissa_bits) + kept);
}

uint8_t encode(const Format& f, bool saturate, float x) {
  int width = f.exponent_bits + f.mantissa_bits;
  uint32_t sign = std::signbit(x) ? 1u << width : 0u, all = (1u << width) - 1;
  uint32_t infinity = ((1u << f.exponent_bits) - 1) << f.mantissa_bits, largest = all;
  if (f.specials == Specials::OneNan) largest = all - 1;
  if (f.specials == Specials::Ieee) largest = infinity - 1;
  uint32_t nan = sign | all;
  if (f.specials == Specials::NegZero) nan = 1u << width;
  if (f.specials == Specials::Ieee) nan = sign | infinity | (1u << (f.mantissa_bits - 1));
  if (f.specials == Specials::None) nan = 1u << width;
  if (std::isnan(x)) return uint8_t(nan);
  uint32_t magnitude = std::isinf(x) ? all + 1 : round_magnitude(f, x);
  if (magnitude > largest) {
    if (saturate || f.specials == Specials::None) magnitude = largest;
    else return uint8_t(f.specials == Specials::Ieee ? sign | infinity : nan);
  }
  if (magnitude == 0 && f.specials == Specials::NegZero) sign = 0;
  return uint8_t(sign | magnitude);
}

uint8_t encode_e8m0(SmallFloatRounding rounding, float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x), exponent = (bits >> 23) & 0xffu, mantissa = bits & 0x7fffffu;
  if (exponent == 0xffu) return mantissa == 0 && rounding.saturate ? 254 : 255;
  bool up = rounding.e8m0 == RoundMode::Up && mantissa != 0;
  if (rounding.e8m0 == RoundMode::Nearest) up = mantissa > 0x400000u || (mantissa == 0x400000u && exponent > 0);
  if (up && exponent == 0xfeu && rounding.saturate) up = false;
  return uint8_t(exponent + up);
}

}  // namespace

const float* small_float_values(DType dtype) {
  static const Tables tables;
  return tables.values[int(dtype)];
}

void to_small_float(DType dtype, SmallFloatRounding rounding, const float* x, uint8_t* y, int64_t n) {
  if (dtype == DType::Float8E8M0) {
    for (int64_t i = 0; i < n; ++i) y[i] = encode_e8m0(rounding, x[i]);
    return;
  }
  Format f = format_of(dtype);
  for (int64_t i = 0; i < n; ++i) y[i] = encode(f, rounding.saturate, x[i]);
}

float round_to_odd(double x) {
  float y = float(x);
  if (double(y) == x || !(std::fabs(x) <= double(std::numeric_limits<float>::max()))) return y;
  uint32_t bits = std::bit_cast<uint32_t>(y);
  if (bits & 1) return y;
  bool above = std::fabs(double(y)) > std::fabs(x);
  return std::bit_cast<float>(above ? bits - 1 : bits + 1);
}

}  // namespace engine
