// transpose_square: the contract is in transpose_x86.inl.
#pragma once

#include <stddef.h>

#include "kernels/inlining.h"

namespace engine {
namespace ENGINE_TIER {

ENGINE_INLINE void transpose_square(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
  for (int i = 0; i < Block::size; ++i)
    for (int j = 0; j < Block::size; ++j) dst[i * dst_stride + j] = src[j * src_stride + i];
}

}  // namespace ENGINE_TIER
}  // namespace engine
