#include "kernels/byteconv/byteconv.h"

namespace engine {

size_t depthwise_weight_bytes(int64_t period, int64_t taps) { return size_t(period * ((taps + 3) / 4 * 4)) * sizeof(int16_t); }

// [block][tap][64]
void pack_depthwise_wide(const int16_t* w, int64_t period, int64_t taps, void* packed) {
  int16_t* to = static_cast<int16_t*>(packed);
  for (int64_t p = 0; p < period; ++p)
    for (int64_t t = 0; t < taps; ++t) to[(p / 64 * taps + t) * 64 + p % 64] = w[p * taps + t];
}

// [block][four taps][64][4]
void pack_depthwise(const int16_t* w, const uint8_t* order, int64_t period, int64_t taps, void* packed) {
  int8_t* to = static_cast<int8_t*>(packed);
  const int64_t fours = (taps + 3) / 4;
  for (int64_t p = 0; p < period; ++p)
    for (int64_t t = 0; t < 4 * fours; ++t) {
      const int64_t position = p / 64 * 64 + order[p % 64];
      to[((p / 64 * fours + t / 4) * 64 + p % 64) * 4 + t % 4] = t < taps ? int8_t(w[position * taps + t]) : int8_t(0);
    }
}

}  // namespace engine
