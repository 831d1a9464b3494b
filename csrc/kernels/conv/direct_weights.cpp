#include "kernels/conv/direct_weights.h"

namespace engine {

void pack_direct_weights(const ConvShape& s, const float* weight, const float* bias, const DirectWeights& which,
                         float* out) {
  const int64_t taps = s.taps(), channels = s.group_in();
  const int64_t base = which.group * s.group_out() + which.first, left = s.group_out() - which.first;
  const int64_t real = left < which.width ? left : which.width;
  for (int64_t o = 0; o < which.width; ++o) *out++ = bias && o < real ? bias[base + o] : 0.0f;
  for (int64_t c0 = 0; c0 < channels; c0 += which.step_channels) {
    const int64_t n = channels - c0 < which.step_channels ? channels - c0 : which.step_channels;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = c0; c < c0 + n; ++c)
        for (int64_t o = 0; o < which.width; ++o)
          *out++ = o < real ? weight[((base + o) * channels + c) * taps + tap] : 0.0f;
  }
}

}  // namespace engine
