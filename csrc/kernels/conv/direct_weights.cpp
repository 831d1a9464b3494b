#include "kernels/conv/direct_weights.h"

#include <algorithm>
#include <cstring>

#include "kernels/blocked/blocked.h"

namespace engine {
namespace {

constexpr int64_t kPieceFloats = 4096;  // of weights that are turned at a time, which stay in the first-level cache

// A step for one output block of `real` channels. weight: its first channel's first filter of the step, `plane` floats from the next
// output channel's. Writes [tap][channel], `width` floats apart.
void pack_block(const float* weight, int64_t plane, int64_t real, int64_t channels, int64_t taps, int64_t width, float* out) {
  const BlockedKernels& blocked = blocked_kernels();
  alignas(64) float turned[kPieceFloats];
  const int64_t lanes = blocked.lanes, filters = channels * taps;
  int64_t channel = 0, tap = 0;
  for (int64_t begin = 0, count; begin < filters; begin += count) {
    count = std::min(kPieceFloats / lanes, filters - begin);
    if (real > 0) blocked.to_blocked(weight + begin, size_t(plane), int(real), size_t(count), turned);
    else std::fill_n(turned, count * lanes, 0.0f);
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(out + (tap * channels + channel) * width, turned + i * lanes, size_t(lanes) * sizeof(float));
      if (++tap == taps) tap = 0, ++channel;
    }
  }
}

}  // namespace

void pack_direct_weights(const ConvShape& s, const float* weight, const float* bias, const DirectWeights& which,
                         float* out) {
  const int64_t taps = s.taps(), channels = s.group_in(), plane = channels * taps, lanes = blocked_kernels().lanes;
  const int64_t base = which.group * s.group_out() + which.first, real = std::min(which.width, s.group_out() - which.first);
  for (int64_t o = 0; o < which.width; ++o) *out++ = bias && o < real ? bias[base + o] : 0.0f;
  for (int64_t c = 0, n; c < channels; c += n, out += n * taps * which.width) {
    n = std::min(which.step_channels, channels - c);
    for (int64_t o = 0; o < which.width; o += lanes) {
      const int64_t left = std::clamp<int64_t>(real - o, 0, lanes);
      pack_block(weight + (base + o) * plane + c * taps, plane, left, n, taps, which.width, out + o);
    }
  }
}

}  // namespace engine
