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

static void copy_block(const float* src, size_t src_step, int channels, size_t pixels, float* dst, size_t dst_step, int padded) {
  if (channels == Block::size)
    for (size_t p = 0; p < pixels; ++p) store(dst + p * dst_step, load(src + p * src_step));
  else
    for (size_t p = 0; p < pixels; ++p) store_first(dst + p * dst_step, load_first(src + p * src_step, channels), padded);
}

extern const BlockedKernels blocked_table;
const BlockedKernels blocked_table = {Block::size, to_blocked, from_blocked, copy_block};

}  // namespace ENGINE_TIER
}  // namespace engine
