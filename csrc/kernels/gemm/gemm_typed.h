// Matrix products in float64 and in 32- and 64-bit integers: C = alpha * A B + beta * C + bias. Integers wrap.
//
// Tiles and threads as in gemm.h, and the same order of sums: chains over gemm_k_block(k) of k, in ascending order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/tiling.h"

namespace engine {

// Strides are in elements and may be any. Value-initialise ({}), then set.
template <class T>
struct GemmTyped {
  int64_t m, n, k;
  T alpha, beta;  // beta == 0: C is not read
  const T* a;     // A[i, p] = a[i * a_row + p * a_col]
  int64_t a_row, a_col;
  const T* b;  // B[p, j] = b[p * b_row + j * b_col]
  int64_t b_row, b_col;
  T* c;  // C[i, j] = c[i * c_stride + j]; overlaps neither A nor B
  int64_t c_stride;
  const T* column_bias;  // n values, or null
};

// Signed integers run as unsigned ones of the same size.
template <class T>
struct GemmTypedKernel {
  GemmBlocking blocking;  // for gemm_tiling, with pack_a = false, pack_b = true
  void (*run)(const GemmTyped<T>& g, const GemmTile& tile, void* scratch);
};

struct GemmTypedKernels {
  GemmTypedKernel<double> f64;
  GemmTypedKernel<uint32_t> u32;
  GemmTypedKernel<uint64_t> u64;
};

// The kernels of the active tier. Thread-safe.
const GemmTypedKernels& gemm_typed_kernels();

}  // namespace engine
