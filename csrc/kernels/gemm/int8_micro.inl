// Micro-kernels of byte products: a few rows by one to four vectors of columns, the sums held in registers.
#pragma once

#include "kernels/fetch_ahead.h"
#include "kernels/gemm/registers.inl"

namespace engine::ENGINE_TIER {
namespace {

constexpr int kBytePanelVectors = 4;
constexpr int kBytePanel = kBytePanelVectors * kLanes;

constexpr int byte_rows(int vectors) { return kRegisters == 32 ? 6 : vectors <= 2 ? 6 : 2; }

// out[i, j] = the sum over p of a[i * a_row + p] * b; b holds `groups` x (b_row columns x Bytes::group).
struct ByteCall {
  const Bytes::A* a;
  int64_t a_row;
  const int8_t* b;
  int64_t b_row;
  int64_t groups;
  int32_t* out;
  int64_t out_row;
  FetchAhead* ahead;  // tiles only: fetches for every 64 terms; null: nothing
};

template <int R, int NV>
void byte_micro(const ByteCall& call) {
  using V = Bytes::V;
  V acc[R][NV];
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) acc[i][j] = Bytes::zero();
  }
  const Bytes::A* a = call.a;
  const int8_t* b = call.b;
  const int64_t a_row = call.a_row, b_step = call.b_row * Bytes::group;
  for (int64_t p = call.groups; p > 0; --p) {
    decltype(Bytes::load_b(b)) bv[NV];
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) bv[j] = Bytes::load_b(b + j * kLanes * Bytes::group);
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) {
      const auto av = Bytes::repeat(a + i * a_row);
      ENGINE_UNROLL
      for (int j = 0; j < NV; ++j) acc[i][j] = Bytes::dot(av, bv[j], acc[i][j]);
    }
    a += Bytes::group;
    b += b_step;
  }
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) Bytes::store(call.out + i * call.out_row + j * kLanes, acc[i][j]);
  }
}

using ByteMicroFn = void (*)(const ByteCall&);

template <int R, int NV>
constexpr ByteMicroFn byte_micro_or_null() {
  if constexpr (R <= byte_rows(NV)) {
    return byte_micro<R, NV>;
  } else {
    return nullptr;
  }
}

#define ENGINE_MICRO_ROW(r) \
  { byte_micro_or_null<r, 1>(), byte_micro_or_null<r, 2>(), byte_micro_or_null<r, 3>(), byte_micro_or_null<r, 4>() }

// kByteMicro[rows - 1][vectors - 1]
constexpr ByteMicroFn kByteMicro[6][kBytePanelVectors] = {ENGINE_MICRO_ROW(1), ENGINE_MICRO_ROW(2),
                                                          ENGINE_MICRO_ROW(3), ENGINE_MICRO_ROW(4),
                                                          ENGINE_MICRO_ROW(5), ENGINE_MICRO_ROW(6)};

#undef ENGINE_MICRO_ROW

}  // namespace
}  // namespace engine::ENGINE_TIER
