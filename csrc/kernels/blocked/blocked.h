// The channel-blocked layout of float32 activations, and conversion from and to the plain one.
//
// Plain:   [n][channel][pixel]                    pixel runs over depth, height, width, row-major
// Blocked: [n][channel / b][pixel][channel % b]   b = blocked_kernels().lanes, the same for a whole process and tier
//
// The last block of a channel count that b does not divide has padding lanes. Every kernel that writes a blocked
// tensor writes them as +0; no kernel lets a value in a padding lane reach a real channel.
// Thread-safety: pure functions; calls on disjoint outputs may run at the same time.
#pragma once

#include <stddef.h>

namespace engine {

enum class ChannelLayout : unsigned char { plain, blocked };

struct BlockedKernels {
  int lanes;

  // One block: dst[p * lanes + c] = src[c * plane + p] for c < channels, 0 for the other lanes, p < pixels.
  // REQUIRES: 1 <= channels <= lanes; src and dst do not overlap.
  void (*to_blocked)(const float* src, size_t plane, int channels, size_t pixels, float* dst);

  // One block: dst[c * plane + p] = src[p * lanes + c] for c < channels, p < pixels. The same requirements.
  void (*from_blocked)(const float* src, size_t plane, int channels, size_t pixels, float* dst);

  // One block between tensors with channels last and blocked ones: dst[p * dst_step + c] = src[p * src_step + c] for
  // c < channels, 0 for c in [channels, padded), p < pixels. REQUIRES: 1 <= channels <= lanes; padded is channels or lanes;
  // src and dst do not overlap.
  void (*copy_block)(const float* src, size_t src_step, int channels, size_t pixels, float* dst, size_t dst_step, int padded);
};

// The table of the active tier.
const BlockedKernels& blocked_kernels();

// Blocks that `channels` channels take, and the floats of a blocked tensor.
constexpr size_t channel_blocks(size_t channels, size_t lanes) { return (channels + lanes - 1) / lanes; }
constexpr size_t blocked_floats(size_t n, size_t channels, size_t pixels, size_t lanes) {
  return n * channel_blocks(channels, lanes) * pixels * lanes;
}

}  // namespace engine
