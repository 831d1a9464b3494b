#include <string.h>

#include "kernels/tree/cells_avx512.h"
#include "kernels/tree/tree.h"

namespace engine::avx512 {
namespace {
#include "kernels/tree/walk.inl"
#include "kernels/tree/shuffled_row.inl"

struct Cells : CellsOf512 {
  static constexpr int most_quarters = 2;

  using Choice = __mmask64;

  static V spread(const uint8_t* p) { return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  template <int n>
  static Choice bit(V numbers) {
    return _mm512_test_epi8_mask(numbers, _mm512_set1_epi8(1 << n));
  }
  static V choose(Choice choice, V set, V unset) { return _mm512_mask_blend_epi8(choice, unset, set); }
  static V pair(V a, V b, V numbers, Choice choice) { return _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(a, numbers), choice, b, numbers); }

  template <int Quarters>
  using Row = ShuffledRow<Cells, Quarters>;
};

#include "kernels/tree/panel.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {2.4, 4.4, 0, 0}};

}  // namespace engine::avx512
