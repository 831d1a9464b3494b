// Packing of B into panels: k rows of up to kPanel columns, the columns padded with zeros to whole vectors.
#pragma once

#include "kernels/gemm/f32_micro.inl"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/square.inl"

namespace engine::ENGINE_TIER {
namespace {

// Columns that the panel beginning at column n0 holds, padding included.
static int64_t panel_width(int64_t n, int64_t n0) {
  int64_t left = n - n0;
  return left >= kPanel ? kPanel : (left + kLanes - 1) / kLanes * kLanes;
}

static size_t packed_b_bytes(int64_t n, int64_t k) {
  int64_t padded = (n + kLanes - 1) / kLanes * kLanes;
  return size_t(padded) * size_t(k) * sizeof(float);
}

// The columns of a row are contiguous.
static void pack_rows(const float* b, int64_t b_row, int64_t k, int columns, int64_t width, float* to) {
  for (int64_t p = 0; p < k; ++p, b += b_row, to += width) {
    int j = 0;
    for (; j + kLanes <= columns; j += kLanes) store(to + j, load(b + j));
    if (j < columns) store(to + j, load(b + j, columns - j));
  }
}

// The rows of a column are contiguous: squares of a vector's width are transposed in registers.
static void pack_columns(const float* b, int64_t b_col, int64_t k, int columns, int64_t width, float* to) {
  constexpr int W = kLanes;
  for (int j = 0; j < columns; j += W) {
    for (int64_t p = 0; p < k; p += W) {
      int deep = k - p < W ? int(k - p) : W;
      F32 square[W];
      for (int i = 0; i < W; ++i) {
        const float* from = b + (j + i) * b_col + p;
        square[i] = j + i >= columns ? broadcast(0.0f) : deep == W ? load(from) : load(from, deep);
      }
      transpose(square);
      for (int i = 0; i < deep; ++i) store(to + (p + i) * width + j, square[i]);
    }
  }
}

template <class T>
T element(const T* from) {
  T x;
  memcpy(&x, from, sizeof x);
  return x;
}

static float widen_half(uint16_t h) {
  union {
    uint32_t u;
    float f;
  } v;
  uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent == 0) {
    v.f = float(fraction) * 0x1p-24f;
    v.u |= sign;
  } else {
    v.u = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
  }
  return v.f;
}

static float widen_bfloat(uint16_t h) {
  union {
    uint32_t u;
    float f;
  } v;
  v.u = uint32_t(h) << 16;
  return v.f;
}

static float keep(float x) { return x; }

template <class T, float (*widen)(T)>
void pack_strided(const T* b, int64_t b_row, int64_t b_col, int64_t k, int columns, int64_t width, float* to) {
  for (int64_t p = 0; p < k; ++p, to += width)
    for (int64_t j = 0; j < width; ++j) to[j] = j < columns ? widen(element(b + p * b_row + j * b_col)) : 0.0f;
}

static void pack_panel_f32(const float* b, int64_t b_row, int64_t b_col, int64_t k, int columns, int64_t width,
                           float* to) {
  if (b_col == 1) return pack_rows(b, b_row, k, columns, width, to);
  if (b_row == 1) return pack_columns(b, b_col, k, columns, width, to);
  pack_strided<float, keep>(b, b_row, b_col, k, columns, width, to);
}

static void pack_b(const GemmSource& b, int64_t n, int64_t k, int64_t panel_begin, int64_t panel_end, void* packed) {
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    int64_t n0 = panel * kPanel, width = panel_width(n, n0);
    int columns = n - n0 < kPanel ? int(n - n0) : kPanel;
    float* to = static_cast<float*>(packed) + n0 * k;
    const uint16_t* half = static_cast<const uint16_t*>(b.data);
    switch (b.type) {
      case GemmType::f32:
        pack_panel_f32(static_cast<const float*>(b.data) + n0 * b.col, b.row, b.col, k, columns, width, to);
        break;
      case GemmType::f16:
        pack_strided<uint16_t, widen_half>(half + n0 * b.col, b.row, b.col, k, columns, width, to);
        break;
      case GemmType::bf16:
        pack_strided<uint16_t, widen_bfloat>(half + n0 * b.col, b.row, b.col, k, columns, width, to);
        break;
    }
  }
}

// A whose columns are not contiguous: groups of kPackedRows rows, each k x rows.
constexpr int kPackedRows = 6;

static void pack_a(const float* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, float* to) {
  for (int64_t i = 0; i < m; i += kPackedRows) {
    const int rows = m - i < kPackedRows ? int(m - i) : kPackedRows;
    const float* from = a + i * a_row;
    if (a_row == 1 && rows == kPackedRows) {
      for (int64_t p = 0; p < k; ++p, to += kPackedRows) memcpy(to, from + p * a_col, kPackedRows * sizeof(float));
    } else {
      for (int64_t p = 0; p < k; ++p, to += kPackedRows)
        for (int r = 0; r < rows; ++r) to[r] = from[r * a_row + p * a_col];
    }
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
