// The quantisation loops and the table of one tier. For tier files, which include their lookup before it.
#pragma once

#include "kernels/quant/quant.h"
#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {

struct SignedByte {
  using Type = int8_t;
  static constexpr float low = -128, high = 127;
  static ENGINE_INLINE I32 load(const int8_t* p) { return load_i8(p); }
  static ENGINE_INLINE void store(int8_t* p, I32 x) { store_i8(p, x); }
};

struct UnsignedByte {
  using Type = uint8_t;
  static constexpr float low = 0, high = 255;
  static ENGINE_INLINE I32 load(const uint8_t* p) { return load_u8(p); }
  static ENGINE_INLINE void store(uint8_t* p, I32 x) { store_u8(p, x); }
};

// The scales of the vector that begins at element i: n lanes are there.
template <bool varies>
struct ScaleLanes {
  QuantScales s;
  F32 scale, zero;

  explicit ENGINE_INLINE ScaleLanes(QuantScales scales)
      : s(scales), scale(broadcast(scales.scale[0])), zero(broadcast(scales.zero ? scales.zero[0] : 0.0f)) {}
  ENGINE_INLINE void seek(size_t i) {
    if constexpr (varies) {
      scale = load(s.scale + i);
      if (s.zero) zero = load(s.zero + i);
    }
  }
  ENGINE_INLINE void seek(size_t i, size_t n) {
    if constexpr (varies) {
      scale = load(s.scale + i, n);
      if (s.zero) zero = load(s.zero + i, n);
    }
  }
};

template <class Byte>
ENGINE_INLINE I32 quantize_lanes(F32 x, F32 scale, F32 zero) {
  F32 y = round_even(x / scale) + zero;
  y = min(broadcast(Byte::high), max(broadcast(Byte::low), y));
  return to_int(select(is_nan(y), broadcast(0.0f), y));
}

template <class Byte, bool varies>
void quantize_loop(const float* x, QuantScales scales, typename Byte::Type* y, size_t n) {
  ScaleLanes<varies> lanes(scales);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    lanes.seek(i);
    Byte::store(y + i, quantize_lanes<Byte>(load(x + i), lanes.scale, lanes.zero));
  }
  if (i == n) return;
  lanes.seek(i, n - i);
  typename Byte::Type tail[kWidth];
  Byte::store(tail, quantize_lanes<Byte>(load(x + i, n - i), lanes.scale, lanes.zero));
  for (size_t k = 0; i + k < n; ++k) y[i + k] = tail[k];
}

template <class Byte>
void quantize(const float* x, QuantScales scales, typename Byte::Type* y, size_t n) {
  if (n == 0) return;
  if (scales.varies) quantize_loop<Byte, true>(x, scales, y, n);
  else quantize_loop<Byte, false>(x, scales, y, n);
}

template <class Byte, bool varies>
void dequantize_loop(const typename Byte::Type* x, QuantScales scales, float* y, size_t n) {
  ScaleLanes<varies> lanes(scales);
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    lanes.seek(i);
    store(y + i, (to_float(Byte::load(x + i)) - lanes.zero) * lanes.scale);
  }
  if (i == n) return;
  lanes.seek(i, n - i);
  typename Byte::Type tail[kWidth] = {};
  for (size_t k = 0; i + k < n; ++k) tail[k] = x[i + k];
  store(y + i, (to_float(Byte::load(tail)) - lanes.zero) * lanes.scale, n - i);
}

template <class Byte>
void dequantize(const typename Byte::Type* x, QuantScales scales, float* y, size_t n) {
  if (n == 0) return;
  if (scales.varies) dequantize_loop<Byte, true>(x, scales, y, n);
  else dequantize_loop<Byte, false>(x, scales, y, n);
}

static void extremes(const float* x, size_t n, float* low, float* high) {
  F32 least = broadcast(*low), most = broadcast(*high), least2 = least, most2 = most;
  size_t i = 0;
  for (; i + 2 * kWidth <= n; i += 2 * kWidth) {
    F32 a = load(x + i), b = load(x + i + kWidth);
    least = min_nan(least, a);
    most = max_nan(most, a);
    least2 = min_nan(least2, b);
    most2 = max_nan(most2, b);
  }
  *low = min_lane(min_nan(least, least2));
  *high = max_lane(max_nan(most, most2));
  for (; i < n; ++i) {
    *low = !(*low <= x[i]) ? (*low != *low ? *low : x[i]) : *low;
    *high = !(*high >= x[i]) ? (*high != *high ? *high : x[i]) : *high;
  }
}

}  // namespace engine::ENGINE_TIER

#include "kernels/quant/sum.inl"

namespace engine::ENGINE_TIER {

extern const QuantKernels quant_table;
const QuantKernels quant_table = {quantize<SignedByte>, quantize<UnsignedByte>, dequantize<SignedByte>, dequantize<UnsignedByte>,
                                  extremes, lookup_bytes, add_quantised<SignedByte>, add_quantised<UnsignedByte>};

}  // namespace engine::ENGINE_TIER
