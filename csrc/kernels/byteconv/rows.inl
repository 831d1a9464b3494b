// Products of rows that lie in pieces: a few rows by one to four vectors of columns, the sums held in registers.
#pragma once

#include "kernels/byteconv/pack.inl"

namespace engine::ENGINE_TIER {
namespace {

struct RowsCall {
  const Bytes::A* const* rows;  // [rows][pieces]
  int64_t pieces, groups;       // of each piece
  const int8_t* b;
  int64_t b_step;               // bytes from one group of k to the next
  const int32_t* row_sums;      // null: no weight has a zero point
  const int32_t* weight_zeros;
  const ByteFinish* finish;
  int64_t column;
  int tail;                     // columns of the last vector
  char* c;
  int64_t c_row;                // bytes
};

// Bytes of whole panels, no weight having a zero point.
template <int R, class W = Words>
ENGINE_INLINE void finish_panels(const RowsCall& call, const typename W::V (&acc)[R][4]) {
  const PanelTerms<W> terms(*call.finish);
  const float *scale = call.finish->scale + call.column, *shift = call.finish->shift + call.column;
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) terms.store(call.c + i * call.c_row, acc[i], scale, shift);
}

template <int R, int NV>
ENGINE_INLINE void finish_rows(const RowsCall& call, Bytes::V (&acc)[R][NV]) {
  if constexpr (NV == 4 && Words::stores_panels) {
    if (call.tail == kLanes && !call.finish->words && !call.row_sums) return finish_panels<R>(call, acc);
  }
  const FinishTerms terms(*call.finish);
  const float *scale = call.finish->scale + call.column, *shift = call.finish->shift + call.column;
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) {
    char* c = call.c + i * call.c_row;
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j) {
      Words::V sum = acc[i][j];
      if (call.row_sums)
        sum = Words::sub(sum, Words::mul(Words::set(uint32_t(call.row_sums[i])),
                                         Words::load(reinterpret_cast<const uint32_t*>(call.weight_zeros) + call.column + j * kLanes)));
      const int count = j == NV - 1 ? call.tail : kLanes;
      if (call.finish->words) {
        alignas(64) int32_t whole[kLanes];
        Words::store(whole, sum);
        memcpy(c + j * kLanes * 4, whole, size_t(count) * 4);
      } else {
        Words::store_bytes(c + j * kLanes, terms.bytes(sum, scale + j * kLanes, shift + j * kLanes), count);
      }
    }
  }
}

template <int R, int NV>
ENGINE_INLINE void start_rows(const RowsCall& call, Bytes::V (&acc)[R][NV]) {
  ENGINE_UNROLL
  for (int j = 0; j < NV; ++j) {
    const Bytes::V start = Words::load(reinterpret_cast<const uint32_t*>(call.finish->start) + call.column + j * kLanes);
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) acc[i][j] = start;
  }
}

template <int R, int NV>
void rows_micro(const RowsCall& call) {
  Bytes::V acc[R][NV];
  start_rows<R, NV>(call, acc);
  const int8_t* b = call.b;
  const int64_t groups = call.groups, step = call.b_step;
  for (int64_t s = 0; s < call.pieces; ++s) {
    const Bytes::A* a[R];
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) a[i] = call.rows[i * call.pieces + s];
    for (int64_t p = 0; p < groups; ++p, b += step) {
      decltype(Bytes::load_b(b)) bv[NV];
      ENGINE_UNROLL
      for (int j = 0; j < NV; ++j) bv[j] = Bytes::load_b(b + j * kLanes * Bytes::group);
      ENGINE_UNROLL
      for (int i = 0; i < R; ++i) {
        const auto av = Bytes::repeat(a[i] + p * Bytes::group);
        ENGINE_UNROLL
        for (int j = 0; j < NV; ++j) acc[i][j] = Bytes::dot(av, bv[j], acc[i][j]);
      }
    }
  }
  finish_rows<R, NV>(call, acc);
}

// The same where the last vector has no more than half of its columns.
template <int R, int NV, class B = Bytes>
void rows_micro_half(const RowsCall& call) {
  typename B::V acc[R][NV];
  start_rows<R, NV>(call, acc);
  typename B::H last[R];
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) last[i] = B::half(acc[i][NV - 1]);
  const int8_t* b = call.b;
  const int64_t groups = call.groups, step = call.b_step;
  for (int64_t s = 0; s < call.pieces; ++s) {
    const typename B::A* a[R];
    ENGINE_UNROLL
    for (int i = 0; i < R; ++i) a[i] = call.rows[i * call.pieces + s];
    for (int64_t p = 0; p < groups; ++p, b += step) {
      typename B::V bv[NV];
      ENGINE_UNROLL
      for (int j = 0; j + 1 < NV; ++j) bv[j] = B::load_b(b + j * kLanes * B::group);
      const typename B::H bl = B::load_half(b + (NV - 1) * kLanes * B::group);
      ENGINE_UNROLL
      for (int i = 0; i < R; ++i) {
        const typename B::V av = B::repeat(a[i] + p * B::group);
        ENGINE_UNROLL
        for (int j = 0; j + 1 < NV; ++j) acc[i][j] = B::dot(av, bv[j], acc[i][j]);
        last[i] = B::dot_half(av, bl, last[i]);
      }
    }
  }
  ENGINE_UNROLL
  for (int i = 0; i < R; ++i) acc[i][NV - 1] = B::whole(last[i]);
  finish_rows<R, NV>(call, acc);
}

using RowsFn = void (*)(const RowsCall&);

template <int R, int NV, bool half, class B = Bytes>
constexpr RowsFn rows_micro_or_null() {
  if constexpr (R > byte_rows(NV)) {
    return nullptr;
  } else if constexpr (half && B::halves) {
    return rows_micro_half<R, NV, B>;
  } else {
    return rows_micro<R, NV>;
  }
}

#define ENGINE_ROWS_MICRO(r, half) \
  { rows_micro_or_null<r, 1, half>(), rows_micro_or_null<r, 2, half>(), rows_micro_or_null<r, 3, half>(), rows_micro_or_null<r, 4, half>() }
#define ENGINE_ROWS_MICROS(half)                                                                                   \
  {                                                                                                                \
    ENGINE_ROWS_MICRO(1, half), ENGINE_ROWS_MICRO(2, half), ENGINE_ROWS_MICRO(3, half), ENGINE_ROWS_MICRO(4, half), \
        ENGINE_ROWS_MICRO(5, half), ENGINE_ROWS_MICRO(6, half)                                                     \
  }

// kRowsMicro[the last vector is at most half full][rows - 1][vectors - 1]
constexpr RowsFn kRowsMicro[2][6][kBytePanelVectors] = {ENGINE_ROWS_MICROS(false), ENGINE_ROWS_MICROS(true)};

#undef ENGINE_ROWS_MICROS
#undef ENGINE_ROWS_MICRO

// Columns [n0, n0 + columns) of all rows; `call` has the rows and what is common to all columns.
static void run_columns(const ByteRows& g, RowsCall call, const int32_t* row_sums, int64_t n0, int64_t columns) {
  const int vectors = int((columns + kLanes - 1) / kLanes), most = byte_rows(vectors), size = g.finish.words ? 4 : 1;
  const Bytes::A* const* rows = call.rows;
  call.column = n0;
  call.tail = int(columns - (vectors - 1) * kLanes);
  int64_t calls = (g.m + most - 1) / most;
  for (int64_t i = 0; calls > 0; --calls) {
    const int count = int((g.m - i + calls - 1) / calls);
    call.rows = rows + i * call.pieces;
    call.row_sums = row_sums ? row_sums + i : nullptr;
    call.c = static_cast<char*>(g.c) + (i * g.c_stride + n0 - g.n0) * size;
    kRowsMicro[call.tail * 2 <= kLanes][count - 1][vectors - 1](call);
    i += count;
  }
}

static void run_rows(const ByteRows& g, void* scratch) {
  char* free = static_cast<char*>(scratch);
  int32_t* sums = g.weight_zeros ? reinterpret_cast<int32_t*>(free) : nullptr;
  if (sums) sum_rows(g, sums);
  free += round_up_64(g.m * 4);
  RowsCall call{};
  call.pieces = g.pieces, call.groups = whole_groups(g.length);
  call.weight_zeros = g.weight_zeros, call.finish = &g.finish;
  call.c_row = g.c_stride * (g.finish.words ? 4 : 1);
  if constexpr (kReadsBytes) {
    call.rows = reinterpret_cast<const Bytes::A* const*>(g.rows);
  } else {
    const Bytes::A** rows = reinterpret_cast<const Bytes::A**>(free);
    widen_rows(g, rows, reinterpret_cast<Bytes::A*>(free + round_up_64(g.m * int64_t(sizeof(void*)))));
    call.rows = rows;
    call.groups *= g.pieces, call.pieces = 1;
  }
  const int64_t length = g.packed_length ? g.packed_length : g.length, groups = row_groups(g.packed_pieces ? g.packed_pieces : g.pieces, length);
  const int64_t before = g.pieces_before * whole_groups(length) + g.bytes_before / Bytes::group;
  const int most = kRegisters == 32 || g.m <= 2 ? kBytePanelVectors : 2;
  for (int64_t n0 = g.n0; n0 < g.n1; n0 += kBytePanel) {
    const int64_t end = n0 + kBytePanel < g.n1 ? n0 + kBytePanel : g.n1;
    call.b_step = panel_width(g.n, n0) * Bytes::group;
    for (int64_t at = n0; at < end; at += most * kLanes) {
      call.b = panel_at(g.packed, n0, groups) + before * call.b_step + (at - n0) * Bytes::group;
      run_columns(g, call, sums, at, end - at < most * kLanes ? end - at : most * kLanes);
    }
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
