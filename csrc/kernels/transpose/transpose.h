// Two-dimensional transposition of blocks: what a StridedCopy (kernels/copy) is made of when the innermost dimension of
// the destination is not that of the source.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine {

// dst[k dst_stride + j] = src[j src_stride + k] for 0 <= k < rows, 0 <= j < columns. Strides in elements, of any sign.
// Pointers need no alignment; source and destination do not overlap. Best when a block's bytes fit the first cache.
using TransposeBlockFn = void (*)(const void* src, ptrdiff_t src_stride, void* dst, ptrdiff_t dst_stride, size_t rows,
                                  size_t columns);

struct TransposeKernels {
  TransposeBlockFn block[5];  // by log2 of the element size: 1, 2, 4, 8, 16 bytes
};

// The table of the active tier.
const TransposeKernels& transpose_kernels();

}  // namespace engine
