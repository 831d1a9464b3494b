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

// A few columns that lie side by side in the destination, or rows that do in the source.
template <class T, int count>
void interleave(const T* ENGINE_RESTRICT src, ptrdiff_t src_stride, T* ENGINE_RESTRICT dst, size_t n) {
  for (size_t k = 0; k < n; ++k)
    for (int j = 0; j < count; ++j) dst[k * count + j] = src[j * src_stride + ptrdiff_t(k)];
}

template <class T, int count>
void deinterleave(const T* ENGINE_RESTRICT src, T* ENGINE_RESTRICT dst, ptrdiff_t dst_stride, size_t n) {
  for (size_t j = 0; j < n; ++j)
    for (int k = 0; k < count; ++k) dst[k * dst_stride + ptrdiff_t(j)] = src[j * count + k];
}

// True when the block was such, and is done. Elements of T's size, of pointers that are aligned for it.
template <class T>
bool move_narrow(const void* from, ptrdiff_t src_stride, void* to, ptrdiff_t dst_stride, size_t rows, size_t columns) {
  if ((reinterpret_cast<uintptr_t>(from) | reinterpret_cast<uintptr_t>(to)) % sizeof(T)) return false;
  const T* src = static_cast<const T*>(from);
  T* dst = static_cast<T*>(to);
  if (dst_stride == ptrdiff_t(columns)) {
    switch (columns) {
      case 2: return interleave<T, 2>(src, src_stride, dst, rows), true;
      case 3: return interleave<T, 3>(src, src_stride, dst, rows), true;
      case 4: return interleave<T, 4>(src, src_stride, dst, rows), true;
    }
  }
  if (src_stride == ptrdiff_t(rows)) {
    switch (rows) {
      case 2: return deinterleave<T, 2>(src, dst, dst_stride, columns), true;
      case 3: return deinterleave<T, 3>(src, dst, dst_stride, columns), true;
      case 4: return deinterleave<T, 4>(src, dst, dst_stride, columns), true;
    }
  }
  return false;
}

template <size_t size, class Tile>
void transpose_block(const void* from, ptrdiff_t src_stride, void* to, ptrdiff_t dst_stride, size_t rows,
                     size_t columns) {
  if constexpr (size == 1) {
    if (move_narrow<uint8_t>(from, src_stride, to, dst_stride, rows, columns)) return;
  } else if constexpr (size == 2) {
    if (move_narrow<uint16_t>(from, src_stride, to, dst_stride, rows, columns)) return;
  } else if constexpr (size == 4) {
    if (move_narrow<uint32_t>(from, src_stride, to, dst_stride, rows, columns)) return;
  }
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
