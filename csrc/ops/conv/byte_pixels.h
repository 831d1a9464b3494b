// Planes of bytes to pixels of channels and back.
#pragma once

#include "ops/op.h"

namespace engine {

// to[i, p, c] = from[i, c, p] ^ flip for images of `pixels` pixels of `channels` channels; with in_order,
// to[i, p, c] = from[i, p, c] ^ flip.
Status bytes_to_pixels(OpRun& r, const uint8_t* from, int64_t images, int64_t channels, int64_t pixels, bool in_order, uint8_t flip,
                       uint8_t* to);

// to[c * plane + p] = tile[p * channels + c], elements of `size` bytes (1 or 4).
void pixels_to_planes(const char* tile, int64_t pixels, int64_t channels, int64_t size, int64_t plane, char* to);

}  // namespace engine
