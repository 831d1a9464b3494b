#include <immintrin.h>
#include <string.h>

#include "kernels/inlining.h"
#include "kernels/tree/tree.h"

namespace engine::avx512vbmi {
namespace {
#include "kernels/tree/walk.inl"

ENGINE_INLINE uint8_t byte_of(int below) { return uint8_t(below < 0 ? 0 : below > 255 ? 255 : below); }

ENGINE_INLINE void store_side(int below, int bytes, uint8_t* to) {
  to[0] = byte_of(below);
  for (int i = 1; i < bytes; ++i) to[i] = byte_of(below -= kPanelStep);
}

// below: 0 of NaN.
ENGINE_INLINE void store_rank(const TreeRank& rank, int below, bool nan, uint8_t* to) {
  if (rank.nan_least >= 0) store_side(below, rank.bytes, to + rank.nan_least);
  if (rank.nan_greatest >= 0) store_side(nan ? INT32_MAX : below, rank.bytes, to + rank.nan_greatest);
}

// tree_key(x) in all lanes; of NaN the least number.
ENGINE_INLINE __m512i key_of(float x) {
  const __m512 value = _mm512_add_ps(_mm512_set1_ps(x), _mm512_setzero_ps());
  const __m512i bits = _mm512_castps_si512(value), turned = _mm512_and_si512(_mm512_srai_epi32(bits, 31), _mm512_set1_epi32(INT32_MAX));
  return _mm512_mask_mov_epi32(_mm512_xor_si512(bits, turned), _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), _mm512_set1_epi32(INT32_MIN));
}

void rank_floats(const TreeRank* ranks, int count, const int32_t* steps, const float* row, uint8_t* to) {
  for (int c = 0; c < count; ++c) {
    const TreeRank& rank = ranks[c];
    const float x = row[rank.feature];
    const __m512i key = key_of(x);
    int vectors = 0;
    for (int i = 0; i < rank.pivot_vectors; ++i)
      vectors += int(_mm_popcnt_u32(_mm512_cmpgt_epi32_mask(key, _mm512_loadu_si512(steps + rank.pivots + i * 16))));
    int below = int(_mm_popcnt_u32(_mm512_cmpgt_epi32_mask(key, _mm512_loadu_si512(steps + rank.steps + vectors * 16))));
    store_rank(rank, vectors * 16 + below, x != x, to);
  }
}

template <int Order>
ENGINE_INLINE int steps_below(const TreeRank& rank, const double* steps, double x) {
  __m512d value = _mm512_set1_pd(x);
  int vectors = 0;
  for (int i = 0; i < rank.pivot_vectors; ++i)
    vectors += int(_mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_loadu_pd(steps + rank.pivots + i * 8), value, Order)));
  return vectors * 8 + int(_mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_loadu_pd(steps + rank.steps + vectors * 8), value, Order)));
}

void rank_doubles(const TreeRank* ranks, int count, const double* steps, const double* row, uint8_t* to) {
  for (int c = 0; c < count; ++c) {
    const TreeRank& rank = ranks[c];
    double x = row[rank.feature];
    int below = rank.strict ? steps_below<_CMP_LT_OQ>(rank, steps, x) : steps_below<_CMP_LE_OQ>(rank, steps, x);
    store_rank(rank, below, x != x, to);
  }
}

// The bytes of one row: Quarters * 64 of them, looked up by 64 numbers at once.
template <int Quarters>
struct Row {
  __m512i quarter[Quarters];

  ENGINE_INLINE void load(const uint8_t* bytes) {
    for (int q = 0; q < Quarters; ++q) quarter[q] = _mm512_loadu_si512(bytes + q * 64);
  }
  ENGINE_INLINE __m512i look_up(__m512i numbers, __mmask64 high) const {
    if constexpr (Quarters == 1) return _mm512_permutexvar_epi8(numbers, quarter[0]);
    else if constexpr (Quarters == 2) return half(numbers, 0);
    else if constexpr (Quarters == 4) return _mm512_mask_blend_epi8(_mm512_movepi8_mask(numbers), half(numbers, 0), half(numbers, 2));
    else {
      __mmask64 upper = _mm512_movepi8_mask(numbers);
      __m512i low = _mm512_mask_blend_epi8(upper, half(numbers, 0), half(numbers, 2));
      return _mm512_mask_blend_epi8(high, low, _mm512_mask_blend_epi8(upper, half(numbers, 4), half(numbers, 6)));
    }
  }
  ENGINE_INLINE __m512i half(__m512i numbers, int q) const { return _mm512_permutex2var_epi8(quarter[q], numbers, quarter[q + 1]); }
};

ENGINE_INLINE void store_leaves(const TreePanel& panel, __m512i number, int32_t* results) {
  alignas(64) uint8_t numbers[64];
  _mm512_store_si512(numbers, number);
  const int32_t* leaves = panel.leaves_at;
  for (int t = 0; t < kPanelTrees; t += 8, leaves += 8 * panel.leaves) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) results[t + i] = leaves[i * panel.leaves + numbers[t + i]];
  }
}

// Leaves of rows [0, Rows) in each of `Panels` panels at the slots [s, end).
template <int Quarters, int Rows, int Panels>
ENGINE_INLINE void look(const TreePanel* panel, int s, int end, const Row<Quarters>* row, __m512i (*leaf)[Rows]) {
  const __m512i one = _mm512_set1_epi8(1);
  __m512i number = _mm512_set1_epi8(char(s + 1));
  for (int64_t at = int64_t(s) * kSlotBytes; s < end; ++s, at += kSlotBytes, number = _mm512_add_epi8(number, one)) {
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      const uint8_t* slot = panel[p].slots + at;
      __m512i column = _mm512_loadu_si512(slot), threshold = _mm512_loadu_si512(slot + 64), least = _mm512_loadu_si512(slot + 128);
      __mmask64 high = Quarters > 4 ? _cvtu64_mask64(panel[p].high[s]) : 0;
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        __mmask64 second = _mm512_cmpgt_epu8_mask(row[r].look_up(column, high), threshold);
        leaf[p][r] = _mm512_mask_mov_epi8(leaf[p][r], _mm512_mask_cmpge_epu8_mask(second, leaf[p][r], least), number);
      }
    }
  }
}

// What a node does to `leaf` is a chain of its own in each panel and row; four of them hide its latency.
template <int Quarters, int Rows, int Panels>
ENGINE_INLINE void score(const TreePanel* panel, const uint8_t* bytes, int32_t* results, int64_t stride) {
  Row<Quarters> row[Rows];
  __m512i leaf[Panels][Rows];
  for (int r = 0; r < Rows; ++r) {
    row[r].load(bytes + r * Quarters * 64);
    for (int p = 0; p < Panels; ++p) leaf[p][r] = _mm512_setzero_si512();
  }
  int common = panel[0].leaves - 1;
  for (int p = 1; p < Panels; ++p) common = panel[p].leaves - 1 < common ? panel[p].leaves - 1 : common;
  look<Quarters, Rows, Panels>(panel, 0, common, row, leaf);
  for (int p = 0; Panels > 1 && p < Panels; ++p) look<Quarters, Rows, 1>(panel + p, common, panel[p].leaves - 1, row, leaf + p);
  for (int p = 0; p < Panels; ++p)
    for (int r = 0; r < Rows; ++r) store_leaves(panel[p], leaf[p][r], results + p * stride + r * kPanelTrees);
}

template <int Quarters, int Rows, int Panels>
ENGINE_INLINE void score_rows(const TreePanel* panel, int panels, const uint8_t* bytes, int32_t* results, int64_t stride) {
  int p = 0;
  for (; p + Panels <= panels; p += Panels) score<Quarters, Rows, Panels>(panel + p, bytes, results + p * stride, stride);
  if constexpr (Panels > 1) score_rows<Quarters, Rows, Panels / 2>(panel + p, panels - p, bytes, results + p * stride, stride);
}

template <int Quarters, int Rows>
void score_all(const TreePanel* panel, int panels, const uint8_t* bytes, int rows, int32_t* results) {
  const int64_t stride = int64_t(rows) * kPanelTrees;
  int row = 0;
  auto take = [&]<int Some, int Panels>() {
    for (; row + Some <= rows; row += Some)
      score_rows<Quarters, Some, Panels>(panel, panels, bytes + row * Quarters * 64, results + row * kPanelTrees, stride);
  };
  take.template operator()<Rows, 4 / Rows>();
  take.template operator()<2, 2>();
  take.template operator()<1, 4>();
}

void score_panels(const TreePanel* panel, int panels, const uint8_t* bytes, int rows, int32_t* results) {
  if (panel->row_bytes == 64) score_all<1, 4>(panel, panels, bytes, rows, results);
  else if (panel->row_bytes == 128) score_all<2, 4>(panel, panels, bytes, rows, results);
  else if (panel->row_bytes == 256) score_all<4, 2>(panel, panels, bytes, rows, results);
  else score_all<8, 2>(panel, panels, bytes, rows, results);
}

}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {1.0, 1.1, 1.8, 2.8}};

}  // namespace engine::avx512vbmi
