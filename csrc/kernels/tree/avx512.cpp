#include <string.h>

#include "kernels/tree/cells_avx512.h"
#include "kernels/tree/tree.h"

namespace engine::avx512 {
namespace {
#include "kernels/tree/walk.inl"

struct Cells : CellsOf512 {
  static constexpr int most_quarters = 2;

  // Each of 16 bytes, four times over.
  template <int Quarters>
  struct Row {
    V part[4 * Quarters];

    ENGINE_INLINE void load(const uint8_t* bytes) {
      for (int i = 0; i < 4 * Quarters; ++i) part[i] = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i * 16)));
    }
    ENGINE_INLINE V look_up(V numbers, uint64_t) const {
      const __mmask64 odd = _mm512_test_epi8_mask(numbers, _mm512_set1_epi8(16)), upper = _mm512_test_epi8_mask(numbers, _mm512_set1_epi8(32));
      const V first = quarter(numbers, 0, odd, upper);
      if constexpr (Quarters == 1) return first;
      else return _mm512_mask_blend_epi8(_mm512_test_epi8_mask(numbers, _mm512_set1_epi8(64)), first, quarter(numbers, 4, odd, upper));
    }
    ENGINE_INLINE V quarter(V numbers, int i, __mmask64 odd, __mmask64 upper) const {
      return _mm512_mask_blend_epi8(upper, pair(numbers, i, odd), pair(numbers, i + 2, odd));
    }
    ENGINE_INLINE V pair(V numbers, int i, __mmask64 odd) const {
      return _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(part[i], numbers), odd, part[i + 1], numbers);
    }
  };
};

#include "kernels/tree/panel.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {2.4, 4.4, 0, 0}};

}  // namespace engine::avx512
