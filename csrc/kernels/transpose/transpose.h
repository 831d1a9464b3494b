// Copies from a strided source to a contiguous destination: Transpose, and any view made contiguous.
//
// A plan is made once for a shape and run on ranges of its units, in any order and by any thread. A unit is at most
// about 64 KiB of output, and no two units write the same byte.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine {

// dst[k dst_stride + j] = src[j src_stride + k] for 0 <= k < rows, 0 <= j < columns. Strides in elements. Pointers need
// no alignment; source and destination do not overlap.
using TransposeBlockFn = void (*)(const void* src, ptrdiff_t src_stride, void* dst, ptrdiff_t dst_stride, size_t rows,
                                  size_t columns);

struct TransposeKernels {
  TransposeBlockFn block[5];  // by log2 of the element size: 1, 2, 4, 8, 16 bytes
};

// The table of the active tier.
const TransposeKernels& transpose_kernels();

// Dimensions of extent 1 are dropped, and more than 63 others have more elements than an int64_t counts.
inline constexpr int kMaxCopyRank = 64;

// All strides are in bytes. The two innermost loops are `rows` and `columns`; the others are the outer dimensions.
struct CopyPlan {
  enum class Kind : uint8_t {
    run,     // columns are contiguous in the source
    block,   // rows are contiguous in the source: two-dimensional transposition
    gather,  // neither
  };
  Kind kind = Kind::run;
  size_t element_size = 1;
  int64_t units = 0;
  int outer_rank = 0;
  int64_t outer_dims[kMaxCopyRank], outer_src[kMaxCopyRank], outer_dst[kMaxCopyRank];
  int64_t rows = 1, row_src = 0, row_dst = 0, block_rows = 1;
  int64_t columns = 1, column_src = 0, block_columns = 1;
  TransposeBlockFn block = nullptr;
};

// dst, contiguous of shape dims, from src[sum of index[d] strides[d]]; strides in elements, of any sign, 0 to repeat.
// REQUIRES: dims >= 0, element_size is 1, 2, 4, 8 or 16, and the number of bytes fits in an int64_t.
CopyPlan plan_copy(const int64_t* dims, const int64_t* strides, int rank, size_t element_size);

// dst[i0, i1, ...] of shape (shape[perm[0]], shape[perm[1]], ...) from a contiguous src of shape `shape`.
// REQUIRES: perm is a permutation of 0 .. rank - 1, and as plan_copy.
CopyPlan plan_transpose(const int64_t* shape, const int64_t* perm, int rank, size_t element_size);

// Copies units first <= u < last. src is the element at index 0 of every dimension.
// REQUIRES: 0 <= first <= last <= plan.units; source and destination do not overlap.
void run_copy(const CopyPlan& plan, const void* src, void* dst, int64_t first, int64_t last);

}  // namespace engine
