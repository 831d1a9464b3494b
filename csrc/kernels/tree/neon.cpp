#include <arm_neon.h>
#include <string.h>

#include "kernels/inlining.h"
#include "kernels/tree/tree.h"

namespace engine::neon {
namespace {
#include "kernels/tree/walk.inl"

struct Cells {
  static constexpr int bytes = 16, rows = 2, most_quarters = 2;
  using V = uint8x16_t;
  using Key = int32x4_t;

  static V load(const uint8_t* p) { return vld1q_u8(p); }
  static void store(uint8_t* p, V x) { vst1q_u8(p, x); }
  static V set(uint8_t x) { return vdupq_n_u8(x); }
  static V add(V a, V b) { return vaddq_u8(a, b); }
  static V next(V leaf, V value, V threshold, V least, V number) {
    return vbslq_u8(vandq_u8(vcgtq_u8(value, threshold), vcgeq_u8(leaf, least)), number, leaf);
  }
  static Key key(float x) { return vdupq_n_s32(x != x ? INT32_MIN : tree_key(x)); }
  static int above(Key key, const int32_t* steps) {
    uint32x4_t all = vdupq_n_u32(0);  // less one for each
    for (int i = 0; i < 16; i += 4) all = vaddq_u32(all, vcgtq_s32(key, vld1q_s32(steps + i)));
    return -int(vaddvq_u32(all));
  }
  template <bool strict>
  static int below(double x, const double* steps) {
    const float64x2_t value = vdupq_n_f64(x);
    uint64x2_t all = vdupq_n_u64(0);
    for (int i = 0; i < 8; i += 2) {
      const float64x2_t step = vld1q_f64(steps + i);
      all = vaddq_u64(all, strict ? vcltq_f64(step, value) : vcleq_f64(step, value));
    }
    return -int(vaddvq_u64(all));
  }

  template <int Quarters>
  struct Row {
    uint8x16x4_t quarter[Quarters];

    ENGINE_INLINE void load(const uint8_t* bytes) {
      for (int q = 0; q < Quarters; ++q) quarter[q] = vld1q_u8_x4(bytes + q * 64);
    }
    // Numbers beyond a table leave what was there.
    ENGINE_INLINE V look_up(V numbers, uint64_t) const {
      V found = vqtbl4q_u8(quarter[0], numbers);
      if constexpr (Quarters > 1) found = vqtbx4q_u8(found, quarter[1], vsubq_u8(numbers, vdupq_n_u8(64)));
      return found;
    }
  };
};

#include "kernels/tree/panel.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, rank_floats, rank_doubles, score_panels, {4.0, 6.0, 0, 0}};

}  // namespace engine::neon
