// Bytes through a table of 256, one by one.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine::ENGINE_TIER {

static void lookup_bytes(const uint8_t* x, const uint8_t* table, uint8_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = table[x[i]];
}

}  // namespace engine::ENGINE_TIER
