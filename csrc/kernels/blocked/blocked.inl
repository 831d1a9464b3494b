// Layout conversion, written once for every tier. REQUIRES: ENGINE_TIER and the tier's block header.
#pragma once

#include "kernels/blocked/blocked.h"

namespace engine {
namespace ENGINE_TIER {

static void to_blocked(const float* src, size_t plane, int channels, size_t pixels, float* dst) {
  constexpr int b = Block::size;
  size_t p = 0;
  if (channels == b)
    for (; p + b <= pixels; p += b) transpose_square(src + p, plane, dst + p * b, b);
  for (; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c) dst[p * b + c] = src[c * plane + p];
    for (int c = channels; c < b; ++c) dst[p * b + c] = 0.0f;
  }
}

static void from_blocked(const float* src, size_t plane, int channels, size_t pixels, float* dst) {
  constexpr int b = Block::size;
  size_t p = 0;
  if (channels == b)
    for (; p + b <= pixels; p += b) transpose_square(src + p * b, b, dst + p, plane);
  for (; p < pixels; ++p)
    for (int c = 0; c < channels; ++c) dst[c * plane + p] = src[p * b + c];
}

extern const BlockedKernels blocked_table;
const BlockedKernels blocked_table = {Block::size, to_blocked, from_blocked};

}  // namespace ENGINE_TIER
}  // namespace engine
