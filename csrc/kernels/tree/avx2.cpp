#include <immintrin.h>
#include <string.h>

#include "kernels/inlining.h"
#include "kernels/tree/tree.h"

namespace engine::avx2 {
namespace {
#include "kernels/tree/walk.inl"

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

  // Each of 16 bytes, twice.
  template <int Quarters>
  struct Row {
    V part[4 * Quarters];

    ENGINE_INLINE void load(const uint8_t* bytes) {
      for (int i = 0; i < 4 * Quarters; ++i) part[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i * 16)));
    }
    // Blending looks at the highest bit of each byte.
    ENGINE_INLINE V look_up(V numbers, uint64_t) const {
      const V odd = _mm256_slli_epi16(numbers, 3), upper = _mm256_slli_epi16(numbers, 2);
      const V first = quarter(numbers, 0, odd, upper);
      if constexpr (Quarters == 1) return first;
      else return _mm256_blendv_epi8(first, quarter(numbers, 4, odd, upper), _mm256_slli_epi16(numbers, 1));
    }
    ENGINE_INLINE V quarter(V numbers, int i, V odd, V upper) const {
      return _mm256_blendv_epi8(pair(numbers, i, odd), pair(numbers, i + 2, odd), upper);
    }
    ENGINE_INLINE V pair(V numbers, int i, V odd) const {
      return _mm256_blendv_epi8(_mm256_shuffle_epi8(part[i], numbers), _mm256_shuffle_epi8(part[i + 1], numbers), odd);
    }
  };
};

#include "kernels/tree/panel.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {5.0, 9.0, 0, 0}};

}  // namespace engine::avx2
