#include <immintrin.h>
#include <string.h>

#include "kernels/inlining.h"
#include "kernels/tree/tree.h"

namespace engine::avx512vbmi {
namespace {
#include "kernels/tree/walk.inl"

ENGINE_INLINE void store_side(const TreeRank& rank, int first, int below, uint8_t* to) {
  for (int i = 0; i < rank.bytes; ++i, below -= kPanelStep) to[first + i] = uint8_t(below < 0 ? 0 : below > 255 ? 255 : below);
}

ENGINE_INLINE void store_rank(const TreeRank& rank, int below, bool nan, uint8_t* to) {
  if (rank.nan_greatest >= 0) store_side(rank, rank.nan_greatest, nan ? INT32_MAX : below, to);
  if (rank.nan_least >= 0) store_side(rank, rank.nan_least, nan ? 0 : below, to);
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

// The number of the lowest bit that is set: of 1 << n, looked up by its low seven bits.
ENGINE_INLINE __m512i lowest_bit(__m512i x) {
  alignas(64) static const uint8_t kLow[64] = {7, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
  alignas(64) static const uint8_t kHigh[64] = {6};
  __m512i bit = _mm512_and_si512(x, _mm512_sub_epi8(_mm512_setzero_si512(), x));
  return _mm512_permutex2var_epi8(_mm512_load_si512(kLow), bit, _mm512_load_si512(kHigh));
}

ENGINE_INLINE void store_leaves(const TreePanel& panel, __m512i number, int32_t* results) {
  const int stride = panel.groups * 8;
  alignas(64) uint8_t numbers[64];
  _mm512_store_si512(numbers, number);
  const int32_t* leaves = panel.leaves;
  for (int t = 0; t < kPanelTrees; t += 8, leaves += 8 * stride) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) results[t + i] = leaves[i * stride + numbers[t + i]];
  }
}

template <int Quarters, int Rows>
ENGINE_INLINE void score(const TreePanel& panel, const uint8_t* bytes, int32_t* results) {
  Row<Quarters> row[Rows];
  __m512i bits[Rows], base[Rows];
  for (int r = 0; r < Rows; ++r) {
    row[r].load(bytes + r * Quarters * 64);
    bits[r] = base[r] = _mm512_setzero_si512();
  }
  for (int g = panel.groups - 1; g >= 0; --g) {
    __m512i out[Rows];
    for (int r = 0; r < Rows; ++r) out[r] = _mm512_setzero_si512();
    int s = g ? panel.ends[g - 1] : 0, end = panel.ends[g];
    for (const uint8_t* slot = panel.slots + s * kSlotBytes; s < end; ++s, slot += kSlotBytes) {
      __m512i column = _mm512_loadu_si512(slot), threshold = _mm512_loadu_si512(slot + 64), mask = _mm512_loadu_si512(slot + 128);
      __mmask64 flip = Quarters * 64 <= kFlipBytes ? _mm512_movepi8_mask(column) : _cvtu64_mask64(panel.bits[s].flip);
      __mmask64 high = Quarters > 4 ? _cvtu64_mask64(panel.bits[s].high) : 0;
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        __mmask64 second = _mm512_cmpgt_epu8_mask(row[r].look_up(column, high), threshold);
        out[r] = _mm512_or_si512(out[r], _mm512_maskz_mov_epi8(_kxor_mask64(second, flip), mask));
      }
    }
    for (int r = 0; r < Rows; ++r) {
      __m512i left = _mm512_andnot_si512(out[r], _mm512_set1_epi8(-1));
      __mmask64 some = _mm512_test_epi8_mask(left, left);
      bits[r] = _mm512_mask_mov_epi8(bits[r], some, left);
      base[r] = _mm512_mask_mov_epi8(base[r], some, _mm512_set1_epi8(char(g * 8)));
    }
  }
  for (int r = 0; r < Rows; ++r) store_leaves(panel, _mm512_add_epi8(base[r], lowest_bit(bits[r])), results + r * kPanelTrees);
}

template <int Quarters, int Rows>
void score_all(const TreePanel& panel, const uint8_t* bytes, int rows, int32_t* results) {
  for (; rows >= Rows; rows -= Rows, bytes += Rows * Quarters * 64, results += Rows * kPanelTrees) score<Quarters, Rows>(panel, bytes, results);
  for (; rows > 0; --rows, bytes += Quarters * 64, results += kPanelTrees) score<Quarters, 1>(panel, bytes, results);
}

void score_panel(const TreePanel& panel, const uint8_t* bytes, int rows, int32_t* results) {
  if (panel.row_bytes == 64) score_all<1, 4>(panel, bytes, rows, results);
  else if (panel.row_bytes == 128) score_all<2, 4>(panel, bytes, rows, results);
  else if (panel.row_bytes == 256) score_all<4, 2>(panel, bytes, rows, results);
  else score_all<8, 2>(panel, bytes, rows, results);
}

}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panel, {1.0, 1.1, 1.8, 2.8}};

}  // namespace engine::avx512vbmi
