#include <immintrin.h>
#include <string.h>

#include "kernels/inlining.h"
#include "kernels/tree/tree.h"

namespace engine::avx2 {
namespace {
#include "kernels/tree/walk.inl"
#include "kernels/tree/shuffled_row.inl"

struct Cells {
  static constexpr int bytes = 32, rows = 1, most_quarters = 2;
  using V = __m256i;
  using Key = __m256i;

  static V load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }
  static void store(uint8_t* p, V x) { _mm256_storeu_si256(reinterpret_cast<V*>(p), x); }
  static V set(uint8_t x) { return _mm256_set1_epi8(char(x)); }
  static V add(V a, V b) { return _mm256_add_epi8(a, b); }
  static V next(V leaf, V value, V threshold, V least, V number) {
    const V first = _mm256_cmpeq_epi8(_mm256_max_epu8(value, threshold), threshold), stands = _mm256_cmpeq_epi8(_mm256_max_epu8(leaf, least), leaf);
    return _mm256_blendv_epi8(leaf, number, _mm256_andnot_si256(first, stands));
  }
  static Key key(float x) { return _mm256_set1_epi32(x != x ? INT32_MIN : tree_key(x)); }
  static int above(Key key, const int32_t* steps) { return above_eight(key, steps) + above_eight(key, steps + 8); }
  static int above_eight(Key key, const int32_t* steps) {
    return ones(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(key, _mm256_loadu_si256(reinterpret_cast<const V*>(steps))))));
  }
  template <bool strict>
  static int below(double x, const double* steps) {
    const __m256d value = _mm256_set1_pd(x);
    constexpr int kOrder = strict ? _CMP_LT_OQ : _CMP_LE_OQ;
    return ones(_mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(steps), value, kOrder))) +
           ones(_mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(steps + 4), value, kOrder)));
  }
  static int ones(int mask) { return int(_mm_popcnt_u32(unsigned(mask))); }

  // The highest bit of each byte.
  using Choice = V;

  static V spread(const uint8_t* p) { return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  template <int n>
  static Choice bit(V numbers) {
    return _mm256_slli_epi16(numbers, 7 - n);
  }
  static V choose(Choice choice, V set, V unset) { return _mm256_blendv_epi8(unset, set, choice); }
  static V pair(V a, V b, V numbers, Choice choice) { return choose(choice, _mm256_shuffle_epi8(b, numbers), _mm256_shuffle_epi8(a, numbers)); }

  template <int Quarters>
  using Row = ShuffledRow<Cells, Quarters>;
};

#include "kernels/tree/panel.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {5.0, 9.0, 0, 0}};

}  // namespace engine::avx2
