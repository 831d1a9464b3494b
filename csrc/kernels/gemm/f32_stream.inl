// Micro-kernels of few rows, which read several panels of packed B side by side: memory serves several streams faster than one.
#pragma once

#include "kernels/gemm/f32_micro.inl"

namespace engine::ENGINE_TIER {
namespace {

constexpr int kStreamRows = kLanes == 1 ? 0 : kRegisters == 32 ? 6 : 1;
constexpr int64_t kStreamAhead = 1024 / int64_t(sizeof(float));

// Panels that a micro-kernel of `rows` rows reads at a time, their sums in registers. 0: such rows have none.
constexpr int most_streams(int64_t rows) {
  if (rows > kStreamRows) return 0;
  if (kRegisters == 16) return 3;
  return rows <= 3 ? int(5 - rows) : 1;
}

// Rows of each call for a tile of m rows: all, or half of those that are too many, one half after the other over the same panels.
constexpr int64_t stream_rows(int64_t m) { return kRegisters == 32 && m > kStreamRows ? (m + 1) / 2 : m; }

// As micro() for S whole panels, `panel_step` floats apart; call.ahead is not used. kPrefetches: lines are asked for before they
// are read.
template <int R, int S, bool kPrefetches>
void stream_micro(const MicroCall& call, int64_t panel_step) {
  constexpr int N = S * kPanelVectors;
  F32 acc[R][N];
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < N; ++j) acc[i][j] = broadcast(0.0f);
  }
  const float* a = call.a;
  const float* b = call.b;
  for (int64_t p = call.k; p > 0; --p) {
    F32 av[R];
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) av[i] = broadcast(a[i * call.a_row]);
    ENGINE_UNROLL
    for (int j = 0; j < N; ++j) {
      const float* from = b + j / kPanelVectors * panel_step + j % kPanelVectors * kLanes;
      if constexpr (kPrefetches) fetch_near(from + kStreamAhead);
      const F32 bv = load(from);
      ENGINE_UNROLL
      for (int i = 0; i < R; ++i) acc[i][j] = multiply_add(bv, av[i], acc[i][j]);
    }
    a += call.a_col;
    b += kPanel;
  }
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < N; ++j) {
      const F32 total = call.sum ? load(call.sum + i * call.sum_row + j * kLanes) + acc[i][j] : acc[i][j];
      store(call.out + i * call.out_row + j * kLanes, total);
    }
  }
}

using StreamFn = void (*)(const MicroCall&, int64_t);

template <int R, int S, bool kPrefetches>
constexpr StreamFn stream_or_null() {
  if constexpr (S <= most_streams(R)) {
    return stream_micro<R, S, kPrefetches>;
  } else {
    return nullptr;
  }
}

#define ENGINE_STREAM_ROW(r, p) \
  { stream_or_null<r, 1, p>(), stream_or_null<r, 2, p>(), stream_or_null<r, 3, p>(), stream_or_null<r, 4, p>() }
#define ENGINE_STREAM_ROWS(p)                                                                                       \
  {                                                                                                                 \
    ENGINE_STREAM_ROW(1, p), ENGINE_STREAM_ROW(2, p), ENGINE_STREAM_ROW(3, p), ENGINE_STREAM_ROW(4, p),             \
        ENGINE_STREAM_ROW(5, p), ENGINE_STREAM_ROW(6, p)                                                            \
  }

// kStream[prefetches][rows - 1][panels - 1]
constexpr StreamFn kStream[2][6][4] = {ENGINE_STREAM_ROWS(false), ENGINE_STREAM_ROWS(true)};

#undef ENGINE_STREAM_ROWS
#undef ENGINE_STREAM_ROW

}  // namespace
}  // namespace engine::ENGINE_TIER
