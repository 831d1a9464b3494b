#include <string.h>

#include "kernels/tree/cells_avx512.h"
#include "kernels/tree/tree.h"

namespace engine::avx512vbmi {
namespace {
#include "kernels/tree/walk.inl"

struct Cells : CellsOf512 {
  static constexpr int most_quarters = 8;

  template <int Quarters>
  struct Row {
    V quarter[Quarters];

    ENGINE_INLINE void load(const uint8_t* bytes) {
      for (int q = 0; q < Quarters; ++q) quarter[q] = Cells::load(bytes + q * 64);
    }
    ENGINE_INLINE V look_up(V numbers, uint64_t high) const {
      if constexpr (Quarters == 1) return _mm512_permutexvar_epi8(numbers, quarter[0]);
      else if constexpr (Quarters == 2) return half(numbers, 0);
      else if constexpr (Quarters == 4) return _mm512_mask_blend_epi8(_mm512_movepi8_mask(numbers), half(numbers, 0), half(numbers, 2));
      else {
        const __mmask64 upper = _mm512_movepi8_mask(numbers);
        const V low = _mm512_mask_blend_epi8(upper, half(numbers, 0), half(numbers, 2));
        return _mm512_mask_blend_epi8(_cvtu64_mask64(high), low, _mm512_mask_blend_epi8(upper, half(numbers, 4), half(numbers, 6)));
      }
    }
    ENGINE_INLINE V half(V numbers, int q) const { return _mm512_permutex2var_epi8(quarter[q], numbers, quarter[q + 1]); }
  };
};

#include "kernels/tree/panel.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {1.0, 1.1, 1.8, 2.8}};

}  // namespace engine::avx512vbmi
