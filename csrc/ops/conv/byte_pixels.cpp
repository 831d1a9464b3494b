#include "ops/conv/byte_pixels.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/transpose/transpose.h"

namespace engine {
namespace {

constexpr int64_t kBlockBytes = 16 << 10;  // in and out of the first-level cache

void flip_bytes(const uint8_t* from, int64_t n, uint8_t flip, uint8_t* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = from[i] ^ flip;
}

}  // namespace

Status bytes_to_pixels(OpRun& r, const uint8_t* from, int64_t images, int64_t channels, int64_t pixels, bool in_order, uint8_t flip,
                       uint8_t* to) {
  const int64_t piece = std::max<int64_t>(32, kBlockBytes / std::max<int64_t>(1, channels) / 32 * 32), pieces = ceil_div(pixels, piece);
  const TransposeBlockFn turn = transpose_kernels().block[0];
  return r.parallel(images * pieces, double(channels * std::min(piece, pixels)) * 0.15, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t base = i / pieces * channels * pixels, first = i % pieces * piece, count = std::min(piece, pixels - first);
      uint8_t* out = to + base + first * channels;
      if (in_order) {
        flip_bytes(from + base + first * channels, count * channels, flip, out);
        continue;
      }
      turn(from + base + first, pixels, out, channels, size_t(count), size_t(channels));
      if (flip) flip_bytes(out, count * channels, flip, out);
    }
  });
}

void pixels_to_planes(const char* tile, int64_t pixels, int64_t channels, int64_t size, int64_t plane, char* to) {
  constexpr int64_t kSide = 64;
  const TransposeBlockFn turn = transpose_kernels().block[size == 1 ? 0 : 2];
  for (int64_t c = 0; c < channels; c += kSide)
    for (int64_t p = 0; p < pixels; p += kSide)
      turn(tile + (p * channels + c) * size, channels, to + (c * plane + p) * size, plane, size_t(std::min(kSide, channels - c)),
           size_t(std::min(kSide, pixels - p)));
}

}  // namespace engine
