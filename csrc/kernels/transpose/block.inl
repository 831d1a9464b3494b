// Two-dimensional transposition of a block by square tiles in registers. For tier files.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/simd/compiler.h"
#include "kernels/transpose/transpose.h"

namespace engine::ENGINE_TIER {

// Element by element; kSide is the side of a tile that a faster form moves at once.
template <size_t size>
struct PlainTile {
  static constexpr size_t kSide = 1;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t, char* dst, ptrdiff_t) { memcpy(dst, src, size); }
};

template <size_t size>
ENGINE_INLINE void move_elements(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step, size_t rows,
                                 size_t columns) {
  for (size_t k = 0; k < rows; ++k)
    for (size_t j = 0; j < columns; ++j)
      memcpy(dst + ptrdiff_t(k) * dst_step + j * size, src + ptrdiff_t(j) * src_step + k * size, size);
}

template <size_t size, class Tile>
void transpose_block(const void* from, ptrdiff_t src_stride, void* to, ptrdiff_t dst_stride, size_t rows,
                     size_t columns) {
  const char* src = static_cast<const char*>(from);
  char* dst = static_cast<char*>(to);
  const ptrdiff_t src_step = src_stride * ptrdiff_t(size), dst_step = dst_stride * ptrdiff_t(size);
  constexpr size_t kSide = Tile::kSide;
  const size_t whole_rows = rows / kSide * kSide, whole_columns = columns / kSide * kSide;
  for (size_t k = 0; k < whole_rows; k += kSide) {
    for (size_t j = 0; j < whole_columns; j += kSide) {
      Tile::move(src + ptrdiff_t(j) * src_step + k * size, src_step, dst + ptrdiff_t(k) * dst_step + j * size, dst_step);
    }
  }
  const char* right = src + ptrdiff_t(whole_columns) * src_step;
  move_elements<size>(right, src_step, dst + whole_columns * size, dst_step, whole_rows, columns - whole_columns);
  move_elements<size>(src + whole_rows * size, src_step, dst + ptrdiff_t(whole_rows) * dst_step, dst_step,
                      rows - whole_rows, columns);
}

}  // namespace engine::ENGINE_TIER
