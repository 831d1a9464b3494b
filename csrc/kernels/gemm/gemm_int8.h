// Matrix products of 8-bit integers, exact in int32: sum over k of (A[i, k] - a_zero) * (B[k, j] - b_zero).
//
// Any mix of signed and unsigned operands; no intermediate ever saturates. Results wrap modulo 2^32 where the exact
// sum leaves int32. Tiles, packing and threads as in gemm.h; integers being exact, every cut gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activation.h"
#include "kernels/gemm/tiling.h"

namespace engine {

enum class ByteType : uint8_t { u8, s8 };

enum class Int8Result : uint8_t {
  s32,  // C = sum + bias
  f32,  // C = activation((sum + bias) * row_scale * column_scale + float_bias)
  u8,   // C = saturate(round-half-even((sum + bias) * row_scale * column_scale) + c_zero)
  s8,
};

// Strides are in elements and may be any. Value-initialise ({}), then set.
struct GemmInt8 {
  int64_t m, n, k;
  const void* a;  // A[i, p] at i * a_row + p * a_col
  ByteType a_type;
  int64_t a_row, a_col;
  int32_t a_zero;
  const int32_t* a_zeros;  // m values instead of a_zero, or null
  const void* b;           // B[p, j] at p * b_row + j * b_col; unused when packed_b is set
  ByteType b_type;         // of packed B too
  int64_t b_row, b_col;
  const void* packed_b;  // what pack_b wrote, or null
  int32_t b_zero;
  const int32_t* b_zeros;  // n values instead of b_zero, or null
  void* c;                 // C[i, j] at i * c_stride + j, of type `result`; overlaps neither A nor B
  int64_t c_stride;
  Int8Result result;
  const int32_t* bias;  // n values, or null
  // f32, u8 and s8:
  float scale;                 // of all columns
  const float* column_scales;  // n values instead of scale, or null
  const float* row_scales;     // m values that multiply on top, or null
  // f32:
  const float* float_bias;  // n values, or null
  Activation activation;
  float activation_a, activation_b;
  // u8, s8:
  int32_t c_zero;
  int32_t c_low, c_high;  // the range to saturate to; both 0: that of the type
};

struct GemmInt8Kernels {
  GemmBlocking blocking;  // for gemm_tiling, with pack_a = true

  // As in GemmKernels. The column sums that zero points need are part of the packed data.
  size_t (*packed_b_bytes)(int64_t n, int64_t k);
  void (*pack_b)(const void* b, ByteType type, int64_t b_row, int64_t b_col, int64_t n, int64_t k, int64_t panel_begin,
                 int64_t panel_end, void* packed);
  void (*run)(const GemmInt8& g, const GemmTile& tile, void* scratch);
};

// The kernels of the active tier. Thread-safe.
const GemmInt8Kernels& gemm_int8_kernels();

}  // namespace engine
