// Products of any element type, on vectors L: a panel of B packed at a time, A read where it lies.
#pragma once

#include "kernels/gemm/gemm_typed.h"
#include "kernels/gemm/registers.inl"

namespace engine::ENGINE_TIER {
namespace {

template <class L>
constexpr int kTypedVectors = L::registers == 32 ? 4 : 2;
template <class L>
constexpr int kTypedPanel = kTypedVectors<L>* L::width;
constexpr int kTypedRows = 6;

template <class T>
struct TypedCall {
  const T* a;
  int64_t a_row, a_col;
  const T* b;  // k rows of a panel
  int64_t k;
  T* out;  // rows of a panel
};

template <class L, int R>
void typed_micro(const TypedCall<typename L::T>& call) {
  constexpr int NV = kTypedVectors<L>;
  typename L::V acc[R][NV];
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) acc[i][j] = L::zero();
  }
  const typename L::T* a = call.a;
  const typename L::T* b = call.b;
  const int64_t a_row = call.a_row;
  for (int64_t p = call.k; p > 0; --p, a += call.a_col, b += kTypedPanel<L>) {
    typename L::V bv[NV];
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) bv[j] = L::load(b + j * L::width);
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) {
      typename L::V av = L::set(a[i * a_row]);
      ENGINE_UNROLL
      for (int j = 0; j < NV; ++j) acc[i][j] = L::fma(av, bv[j], acc[i][j]);
    }
  }
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) L::store(call.out + i * kTypedPanel<L> + j * L::width, acc[i][j]);
  }
}

// B's columns are apart: some cache lines of each at a time.
template <class L>
void typed_pack_apart(const typename L::T* b, int64_t b_row, int64_t b_col, int64_t k, int columns, typename L::T* to) {
  using T = typename L::T;
  constexpr int64_t piece = 256 / int64_t(sizeof(T));
  for (int64_t p = 0; p < k; p += piece, b += piece * b_row, to += piece * kTypedPanel<L>) {
    const int64_t n = k - p < piece ? k - p : piece;
    for (int j = 0; j < kTypedPanel<L>; ++j)
      for (int64_t q = 0; q < n; ++q) to[q * kTypedPanel<L> + j] = j < columns ? b[q * b_row + j * b_col] : T(0);
  }
}

template <class L>
void typed_pack(const GemmTyped<typename L::T>& g, int64_t k0, int64_t k, int64_t n0, int columns, typename L::T* to) {
  const typename L::T* b = g.b + k0 * g.b_row + n0 * g.b_col;
  if (g.b_col != 1) return typed_pack_apart<L>(b, g.b_row, g.b_col, k, columns, to);
  for (int64_t p = 0; p < k; ++p, b += g.b_row, to += kTypedPanel<L>) {
    if (g.b_col == 1 && columns == kTypedPanel<L>) {
      ENGINE_UNROLL
      for (int j = 0; j < kTypedVectors<L>; ++j) L::store(to + j * L::width, L::load(b + j * L::width));
    } else {
      for (int j = 0; j < kTypedPanel<L>; ++j) to[j] = j < columns ? b[j] : typename L::T(0);
    }
  }
}

template <class T>
void typed_finish(const GemmTyped<T>& g, const T* sums, int64_t row, int64_t column, int columns) {
  T* c = g.c + row * g.c_stride + column;
  for (int j = 0; j < columns; ++j) {
    T x = T(g.alpha * sums[j]);
    if (g.beta != T(0)) x = T(x + g.beta * c[j]);
    if (g.column_bias) x = T(x + g.column_bias[column + j]);
    c[j] = x;
  }
}

template <class L>
void typed_panel(const GemmTyped<typename L::T>& g, const GemmTile& tile, int64_t k0, int64_t k, int64_t n0,
                 int columns, const typename L::T* panel, typename L::T* sums, int64_t sums_row) {
  using T = typename L::T;
  using Micro = void (*)(const TypedCall<T>&);
  static constexpr Micro kTyped[kTypedRows] = {typed_micro<L, 1>, typed_micro<L, 2>, typed_micro<L, 3>,
                                               typed_micro<L, 4>, typed_micro<L, 5>, typed_micro<L, 6>};
  const bool first = k0 == 0, last = k0 + k >= g.k;
  alignas(64) T out[kTypedRows * kTypedPanel<L>];
  for (int64_t i = tile.m0; i < tile.m1; i += kTypedRows) {
    const int rows = tile.m1 - i < kTypedRows ? int(tile.m1 - i) : kTypedRows;
    kTyped[rows - 1]({g.a + i * g.a_row + k0 * g.a_col, g.a_row, g.a_col, panel, k, out});
    for (int r = 0; r < rows; ++r) {
      T* x = out + r * kTypedPanel<L>;
      T* sum = sums + (i - tile.m0 + r) * sums_row + (n0 - tile.n0);
      if (!first)
        for (int j = 0; j < columns; ++j) x[j] = T(sum[j] + x[j]);
      if (last) {
        typed_finish(g, x, i + r, n0, columns);
      } else {
        for (int j = 0; j < columns; ++j) sum[j] = x[j];
      }
    }
  }
}

template <class L>
void typed_run(const GemmTyped<typename L::T>& g, const GemmTile& tile, void* scratch) {
  using T = typename L::T;
  const int64_t m = tile.m1 - tile.m0, n = tile.n1 - tile.n0, longest = gemm_k_block(g.k);
  if (m <= 0 || n <= 0) return;
  const int64_t sums_row = (n + kTypedPanel<L> - 1) / kTypedPanel<L> * kTypedPanel<L>;
  T* sums = static_cast<T*>(scratch);
  T* panel = g.k > longest ? sums + (m * sums_row * int64_t(sizeof(T)) + 63) / 64 * 64 / int64_t(sizeof(T)) : sums;
  int64_t k0 = tile.k0;
  do {
    const int64_t k = tile.k1 - k0 < longest ? tile.k1 - k0 : longest;
    for (int64_t n0 = tile.n0; n0 < tile.n1; n0 += kTypedPanel<L>) {
      const int columns = tile.n1 - n0 < kTypedPanel<L> ? int(tile.n1 - n0) : kTypedPanel<L>;
      typed_pack<L>(g, k0, k, n0, columns, panel);
      typed_panel<L>(g, tile, k0, k, n0, columns, panel, sums, sums_row);
    }
    k0 += k;
  } while (k0 < tile.k1);
}

template <class L>
constexpr GemmTypedKernel<typename L::T> typed_kernel(int64_t tile_macs) {
  constexpr int bytes = int(sizeof(typename L::T));
  return {{kTypedRows, kTypedPanel<L>, tile_macs, bytes, bytes, 0, 0}, typed_run<L>};
}

}  // namespace

extern const GemmTypedKernels gemm_typed_table;
const GemmTypedKernels gemm_typed_table = {typed_kernel<DoubleLanes>(kTileMacs / 2),
                                           typed_kernel<Word32Lanes>(kTileMacs / 4),
                                           typed_kernel<Word64Lanes>(kTileMacs / 8)};

}  // namespace engine::ENGINE_TIER
