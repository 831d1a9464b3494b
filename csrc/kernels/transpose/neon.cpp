#include <arm_neon.h>

#include "kernels/transpose/block.inl"

namespace engine::neon {

// 8 x 8 bytes: three rounds of interleaving rows i and i + 4 turn rows into columns.
struct ByteTile {
  static constexpr size_t kSide = 8;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    uint8x8_t a[8], b[8];
    for (int i = 0; i < 8; ++i) a[i] = vld1_u8(reinterpret_cast<const uint8_t*>(src + i * src_step));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        b[2 * i] = vzip1_u8(a[i], a[i + 4]);
        b[2 * i + 1] = vzip2_u8(a[i], a[i + 4]);
      }
      for (int i = 0; i < 8; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 8; ++i) vst1_u8(reinterpret_cast<uint8_t*>(dst + i * dst_step), a[i]);
  }
};

// 8 x 8 elements of two bytes, in the same way.
struct WordTile {
  static constexpr size_t kSide = 8;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    uint16x8_t a[8], b[8];
    for (int i = 0; i < 8; ++i) a[i] = vld1q_u16(reinterpret_cast<const uint16_t*>(src + i * src_step));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        b[2 * i] = vzip1q_u16(a[i], a[i + 4]);
        b[2 * i + 1] = vzip2q_u16(a[i], a[i + 4]);
      }
      for (int i = 0; i < 8; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 8; ++i) vst1q_u16(reinterpret_cast<uint16_t*>(dst + i * dst_step), a[i]);
  }
};

// 4 x 4 elements of four bytes, in two rounds.
struct FloatTile {
  static constexpr size_t kSide = 4;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    uint32x4_t a[4], b[4];
    for (int i = 0; i < 4; ++i) a[i] = vld1q_u32(reinterpret_cast<const uint32_t*>(src + i * src_step));
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 2; ++i) {
        b[2 * i] = vzip1q_u32(a[i], a[i + 2]);
        b[2 * i + 1] = vzip2q_u32(a[i], a[i + 2]);
      }
      for (int i = 0; i < 4; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 4; ++i) vst1q_u32(reinterpret_cast<uint32_t*>(dst + i * dst_step), a[i]);
  }
};

extern const TransposeKernels transpose_table;
const TransposeKernels transpose_table = {{
    transpose_block<1, ByteTile>,
    transpose_block<2, WordTile>,
    transpose_block<4, FloatTile>,
    transpose_block<8, PlainTile<8>>,
    transpose_block<16, PlainTile<16>>,
}};

}  // namespace engine::neon
