// Packing of byte operands.
// Unsigned B is stored less 128, signed A (where held as unsigned) plus 128; the shifts join the zero points.
// A panel of B holds for each block of k: its columns' sums (int32), then groups of k by columns by Bytes::group,
// padded with zeros.
#pragma once

#include "kernels/gemm/gemm_int8.h"
#include "kernels/gemm/int8_micro.inl"

namespace engine::ENGINE_TIER {
namespace {

constexpr bool kUnsignedA = sizeof(Bytes::A) == 1;

static int32_t shift_of_a(ByteType type) { return kUnsignedA && type == ByteType::s8 ? 128 : 0; }
static int32_t shift_of_b(ByteType type) { return type == ByteType::u8 ? -128 : 0; }

static int64_t round_up_to(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

static int64_t byte_panel_width(int64_t n, int64_t n0) {
  return n - n0 >= kBytePanel ? kBytePanel : round_up_to(n - n0, kLanes);
}

// Bytes that `k` rows of one column take, sums included.
static int64_t packed_column_bytes(int64_t k) {
  if (k == 0) return 0;
  int64_t block = gemm_k_block(k);
  return (k + block - 1) / block * int64_t(sizeof(int32_t)) + round_up_to(k, Bytes::group);
}

static size_t packed_bytes(int64_t n, int64_t k) {
  return size_t(round_up_to(n, kLanes)) * size_t(packed_column_bytes(k));
}

// One block of k of one panel; `flip` is 0x80 for unsigned B, else 0.
static void pack_byte_block(const uint8_t* b, int64_t b_row, int64_t b_col, uint8_t flip, int64_t k, int columns,
                            int64_t width, void* to) {
  int32_t* sums = static_cast<int32_t*>(to);
  int8_t* data = reinterpret_cast<int8_t*>(sums + width);
  for (int64_t j = 0; j < width; ++j) sums[j] = 0;
  for (int64_t p = 0; p < k; p += Bytes::group, data += width * Bytes::group)
    for (int64_t j = 0; j < width; ++j)
      for (int q = 0; q < Bytes::group; ++q) {
        bool inside = j < columns && p + q < k;
        int8_t x = inside ? int8_t(b[(p + q) * b_row + j * b_col] ^ flip) : int8_t(0);
        data[j * Bytes::group + q] = x;
        sums[j] += x;
      }
}

static void pack_bytes(const void* b, ByteType type, int64_t b_row, int64_t b_col, int64_t n, int64_t k,
                       int64_t panel_begin, int64_t panel_end, void* packed) {
  const uint8_t* from = static_cast<const uint8_t*>(b);
  const int64_t block = gemm_k_block(k);
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    int64_t n0 = panel * kBytePanel, width = byte_panel_width(n, n0);
    int columns = n - n0 < kBytePanel ? int(n - n0) : kBytePanel;
    char* to = static_cast<char*>(packed) + n0 * packed_column_bytes(k);
    for (int64_t k0 = 0; k0 < k; k0 += block) {
      int64_t deep = k - k0 < block ? k - k0 : block;
      pack_byte_block(from + k0 * b_row + n0 * b_col, b_row, b_col, type == ByteType::u8 ? 0x80 : 0, deep, columns,
                      width, to);
      to += width * (int64_t(sizeof(int32_t)) + round_up_to(deep, Bytes::group));
    }
  }
}

template <class T>
void copy_bytes(const T* from, int64_t step, int64_t n, Bytes::A flip, Bytes::A* to) {
  if (step == 1) {
    for (int64_t p = 0; p < n; ++p) to[p] = Bytes::A(from[p] ^ flip);
  } else {
    for (int64_t p = 0; p < n; ++p) to[p] = Bytes::A(from[p * step] ^ flip);
  }
}

// Rows of A with k padded to whole groups by zeros.
static void pack_byte_rows(const void* a, ByteType type, int64_t a_row, int64_t a_col, int64_t m, int64_t k,
                           Bytes::A* to) {
  const int64_t padded = round_up_to(k, Bytes::group);
  const Bytes::A flip = shift_of_a(type) ? 0x80 : 0;
  for (int64_t i = 0; i < m; ++i, to += padded) {
    if (type == ByteType::u8 || kUnsignedA) {
      copy_bytes(static_cast<const uint8_t*>(a) + i * a_row, a_col, k, flip, to);
    } else {
      copy_bytes(static_cast<const int8_t*>(a) + i * a_row, a_col, k, flip, to);
    }
    for (int64_t p = k; p < padded; ++p) to[p] = 0;
  }
}

static void sum_byte_rows(const Bytes::A* a, int64_t a_row, int64_t m, int64_t k, int32_t* sums) {
  for (int64_t i = 0; i < m; ++i, a += a_row) {
    int32_t sum = 0;
    for (int64_t p = 0; p < k; ++p) sum += a[p];
    sums[i] = sum;
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
