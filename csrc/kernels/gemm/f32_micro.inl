// Micro-kernels: a few rows by one to four vectors of columns, the sums held in registers.
#pragma once

#include "kernels/fetch_ahead.h"
#include "kernels/gemm/registers.inl"
#include "kernels/opaque.h"

namespace engine::ENGINE_TIER {
namespace {

constexpr int kPanelVectors = 4;
constexpr int kPanel = kPanelVectors * kLanes;
constexpr int kMostRows = kRegisters == 32 ? 12 : 6;
constexpr int kMicroFloats = 24 * kLanes;

// Rows of the largest micro-kernel with `vectors` vectors of columns.
constexpr int micro_rows(int vectors) {
  if (kRegisters == 32) return vectors <= 2 ? 12 : vectors == 3 ? 8 : 6;
  return vectors <= 2 ? 6 : 2;
}

// Whether a broadcast that one product takes is a part of its instruction, when the compiler chooses that.
constexpr bool kFoldsBroadcasts = kLanes == 16;

// Terms of a sum between two fetches of what is wanted next.
constexpr int kAheadTerms = 8;
// Rows of results are asked for one by one, the last of them this many such steps before the sum is complete.
constexpr int kWantedSteps = 4;

// out[i, j] = sum[i, j] + the chain over p of a[i * a_row + p * a_col] * b[p * b_row + j]; sum may be null (no term).
// Meanwhile ahead->fetch() is called for every kAheadTerms terms.
struct MicroCall {
  const float* a;
  int64_t a_row, a_col;
  const float* b;
  int64_t b_row;
  int64_t k;
  const float* sum;
  int64_t sum_row;
  float* out;
  int64_t out_row;
  float* wanted;  // what is written next, here or by who called, row by row; null: nothing
  int64_t wanted_row;
  FetchAhead* ahead;
};

// R rows of A, reached from every third of them: few registers hold the addresses of all.
template <int R>
class RowsOfA {
 public:
  RowsOfA(const float* a, int64_t row) : row_(row) {
    ENGINE_UNROLL
    for (int i = 0; i < kBases; ++i) base_[i] = a + 3 * i * row;
  }

  // Element p of row i, from where the rows are.
  ENGINE_INLINE float at(int i, int p) const { return base_[i / 3][i % 3 * row_ + p]; }

  // Opaque, or the compiler makes one base of all, and a distance from it of each element.
  ENGINE_INLINE void advance(int64_t elements) {
    ENGINE_UNROLL
    for (int i = 0; i < kBases; ++i) base_[i] = opaque(base_[i] + elements);
    row_ = opaque(row_);
  }

 private:
  static constexpr int kBases = (R + 2) / 3;

  const float* base_[kBases];
  int64_t row_;
};

// Adds the products of element p of each row and the vectors at b.
template <int R, int NV>
ENGINE_INLINE void add_term(const RowsOfA<R>& a, int p, const float* b, F32 (&acc)[R][NV]) {
  F32 bv[NV];
  ENGINE_UNROLL
  for (int j = 0; j < NV; ++j) bv[j] = load(b + j * kLanes);
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    F32 av = broadcast(a.at(i, p));
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) acc[i][j] = kFoldsBroadcasts && NV == 1 ? fma(av, bv[j], acc[i][j]) : multiply_add(bv[j], av, acc[i][j]);
  }
}

// Terms p of kAheadTerms while so many are left, for rows of A whose elements are contiguous and rows of B kRow apart.
template <int R, int NV, int64_t kRow>
ENGINE_INLINE void add_steps(const MicroCall& call, RowsOfA<R>& a, const float*& b, int64_t& left, FetchAhead& ahead, F32 (&acc)[R][NV]) {
  const int64_t near_from = call.wanted ? kAheadTerms * (R + kWantedSteps) : 0;
  const float* wanted = call.wanted;
  int wanted_left = R;
  for (; left >= kAheadTerms; left -= kAheadTerms) {
    ahead.fetch();
    if (left < near_from && wanted_left > 0) {
      ENGINE_UNROLL
      for (int j = 0; j < NV; ++j) fetch_to_write(wanted + j * kLanes);
      wanted += call.wanted_row;
      --wanted_left;
    }
    ENGINE_UNROLL
    for (int p = 0; p < kAheadTerms; ++p) add_term<R, NV>(a, p, b + p * kRow, acc);
    a.advance(kAheadTerms);
    b += kAheadTerms * kRow;
  }
}

template <int R, int NV>
void micro(const MicroCall& call) {
  F32 acc[R][NV];
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) acc[i][j] = broadcast(0.0f);
  }
  RowsOfA<R> a(call.a, call.a_row);
  const float* b = call.b;
  const int64_t a_col = call.a_col, b_row = call.b_row;
  FetchAhead ahead = *call.ahead;
  int64_t left = call.k;
  if (a_col == 1 && b_row == kPanel) add_steps<R, NV, kPanel>(call, a, b, left, ahead, acc);
  else if (NV < kPanelVectors && a_col == 1 && b_row == NV * kLanes) add_steps<R, NV, NV * kLanes>(call, a, b, left, ahead, acc);
  for (; left > 0; left -= kAheadTerms) {
    ahead.fetch();
    for (int64_t p = left < kAheadTerms ? left : kAheadTerms; p > 0; --p) {
      add_term<R, NV>(a, 0, b, acc);
      a.advance(a_col);
      b += b_row;
    }
  }
  *call.ahead = ahead;
  if (call.sum) {
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) {
      ENGINE_UNROLL
      for (int j = 0; j < NV; ++j) acc[i][j] = load(call.sum + i * call.sum_row + j * kLanes) + acc[i][j];
    }
  }
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) store(call.out + i * call.out_row + j * kLanes, acc[i][j]);
  }
}

using MicroFn = void (*)(const MicroCall&);

template <int R, int NV>
constexpr MicroFn micro_or_null() {
  if constexpr (R <= micro_rows(NV)) {
    return micro<R, NV>;
  } else {
    return nullptr;
  }
}

#define ENGINE_MICRO_ROW(r) \
  { micro_or_null<r, 1>(), micro_or_null<r, 2>(), micro_or_null<r, 3>(), micro_or_null<r, 4>() }

// kMicro[rows - 1][vectors - 1]
constexpr MicroFn kMicro[12][kPanelVectors] = {ENGINE_MICRO_ROW(1),  ENGINE_MICRO_ROW(2),  ENGINE_MICRO_ROW(3),
                                               ENGINE_MICRO_ROW(4),  ENGINE_MICRO_ROW(5),  ENGINE_MICRO_ROW(6),
                                               ENGINE_MICRO_ROW(7),  ENGINE_MICRO_ROW(8),  ENGINE_MICRO_ROW(9),
                                               ENGINE_MICRO_ROW(10), ENGINE_MICRO_ROW(11), ENGINE_MICRO_ROW(12)};

#undef ENGINE_MICRO_ROW

}  // namespace
}  // namespace engine::ENGINE_TIER
