// Matrix products in float32, in tiles: C = activation(alpha * A B + beta * C + bias + residual).
//
// A product is described once (GemmF32), cut into tiles (gemm_tiling) and computed tile by tile (GemmKernels::run),
// by any number of threads in any order. B is packed once (weights: pack_b) or read where it lies (activations).
//
// Same bits: an element of C is a chain of fused (scalar tier: separate) multiply-adds over k in ascending order,
// started anew at every multiple of gemm_k_block(k), the partial sums added in ascending order. It depends on that
// element's row of A, its column of B and k alone: not on m, n, tiles, threads, strides, or whether B is packed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/software_prefetch.h"
#include "kernels/activation.h"
#include "kernels/gemm/tiling.h"

namespace engine {

enum class GemmType : uint8_t { f32, f16, bf16 };

// Applied to row[0 .. n) after everything else, while the values are in cache; `column` is the first one's index in C.
using GemmRowFn = void (*)(float* row, int64_t n, int64_t column, const void* context);

struct GemmEpilogue {
  const float* column_bias;  // n values, or null
  const float* row_bias;     // m values, or null
  const float* residual;     // [m, n] with residual_stride elements from row to row, or null; may be C itself
  int64_t residual_stride;
  Activation activation;
  float activation_a, activation_b;
  GemmRowFn row_fn;  // or null
  const void* row_context;
};

// Strides are in elements and may be any, 0 and negative ones included. Value-initialise ({}), then set.
struct GemmF32 {
  int64_t m, n, k;
  float alpha, beta;  // beta == 0: C is not read
  const float* a;     // A[i, p] = a[i * a_row + p * a_col]
  int64_t a_row, a_col;
  const float* b;  // B[p, j] = b[p * b_row + j * b_col]; unused when packed_b is set
  int64_t b_row, b_col;
  const void* packed_b;  // what pack_b wrote, or null
  GemmType packed_type;  // f32
  float* c;              // C[i, j] = c[i * c_stride + j]; overlaps neither A nor B
  int64_t c_stride;
  GemmEpilogue epilogue;
  bool prefetches = software_prefetch_pays();  // streams of packed B for few rows; the same bits either way
};

// A source of weights: element [p, j] at data[p * row + j * col], in elements of `type`. `data` need not be aligned.
struct GemmSource {
  const void* data;
  GemmType type;
  int64_t row, col;
};

struct GemmKernels {
  GemmBlocking blocking;

  // Packed B is ceil(n / blocking.panel) panels of `panel` columns; panel i can be packed alone, from any thread.
  // The buffer is aligned to 64 bytes. Halves are widened: panels hold float32.
  size_t (*packed_b_bytes)(int64_t n, int64_t k);
  void (*pack_b)(const GemmSource& b, int64_t n, int64_t k, int64_t panel_begin, int64_t panel_end, void* packed);

  // Computes one tile. A tile whose k is cut (GemmTiling::k_steps > 1) is run over its k ranges in ascending order
  // with the same scratch, untouched in between; C is written by the last.
  // REQUIRES: scratch has the tiling's scratch_bytes, aligned to 64 bytes; tile from gemm_tile, or another
  // with n0 a multiple of blocking.panel, k0 and k1 multiples of gemm_k_block(k) or k, and scratch for its size.
  void (*run)(const GemmF32& g, const GemmTile& tile, void* scratch);
};

// The kernels of the active tier. Thread-safe.
const GemmKernels& gemm_kernels();

}  // namespace engine
