#include <immintrin.h>

#include "kernels/transpose/block.inl"

namespace engine::avx2 {

static ENGINE_INLINE __m128i load16(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
static ENGINE_INLINE void store16(char* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

// 16 x 16 bytes: four rounds of interleaving rows i and i + 8 turn rows into columns.
struct ByteTile {
  static constexpr size_t kSide = 16;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    __m128i a[16], b[16];
    for (int i = 0; i < 16; ++i) a[i] = load16(src + i * src_step);
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 8; ++i) {
        b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
        b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
      }
      for (int i = 0; i < 16; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 16; ++i) store16(dst + i * dst_step, a[i]);
  }
};

// 8 x 8 elements of two bytes, as ByteTile in three rounds.
struct WordTile {
  static constexpr size_t kSide = 8;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    __m128i a[8], b[8];
    for (int i = 0; i < 8; ++i) a[i] = load16(src + i * src_step);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
        b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
      }
      for (int i = 0; i < 8; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 8; ++i) store16(dst + i * dst_step, a[i]);
  }
};

// 8 x 8 elements of four bytes: the 4 x 4 quarters are put in place by the loads and turned in the lanes.
struct FloatTile {
  static constexpr size_t kSide = 8;
  static ENGINE_INLINE __m256 load_halves(const char* low, const char* high) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(reinterpret_cast<const float*>(low))),
                                _mm_loadu_ps(reinterpret_cast<const float*>(high)), 1);
  }
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    for (int half = 0; half < 2; ++half) {
      __m256 a[4];
      for (int i = 0; i < 4; ++i) {
        const char* row = src + i * src_step + 16 * half;
        a[i] = load_halves(row, row + 4 * src_step);
      }
      __m256 p = _mm256_unpacklo_ps(a[0], a[1]), q = _mm256_unpackhi_ps(a[0], a[1]);
      __m256 r = _mm256_unpacklo_ps(a[2], a[3]), s = _mm256_unpackhi_ps(a[2], a[3]);
      float* out = reinterpret_cast<float*>(dst + 4 * half * dst_step);
      const ptrdiff_t step = dst_step / 4;
      _mm256_storeu_ps(out, _mm256_shuffle_ps(p, r, 0x44));
      _mm256_storeu_ps(out + step, _mm256_shuffle_ps(p, r, 0xee));
      _mm256_storeu_ps(out + 2 * step, _mm256_shuffle_ps(q, s, 0x44));
      _mm256_storeu_ps(out + 3 * step, _mm256_shuffle_ps(q, s, 0xee));
    }
  }
};

// 4 x 4 elements of eight bytes.
struct DoubleTile {
  static constexpr size_t kSide = 4;
  static ENGINE_INLINE void move(const char* src, ptrdiff_t src_step, char* dst, ptrdiff_t dst_step) {
    __m256d a[4];
    for (int i = 0; i < 4; ++i) a[i] = _mm256_loadu_pd(reinterpret_cast<const double*>(src + i * src_step));
    __m256d p = _mm256_unpacklo_pd(a[0], a[1]), q = _mm256_unpackhi_pd(a[0], a[1]);
    __m256d r = _mm256_unpacklo_pd(a[2], a[3]), s = _mm256_unpackhi_pd(a[2], a[3]);
    double* out = reinterpret_cast<double*>(dst);
    const ptrdiff_t step = dst_step / 8;
    _mm256_storeu_pd(out, _mm256_permute2f128_pd(p, r, 0x20));
    _mm256_storeu_pd(out + step, _mm256_permute2f128_pd(q, s, 0x20));
    _mm256_storeu_pd(out + 2 * step, _mm256_permute2f128_pd(p, r, 0x31));
    _mm256_storeu_pd(out + 3 * step, _mm256_permute2f128_pd(q, s, 0x31));
  }
};

extern const TransposeKernels transpose_table;
const TransposeKernels transpose_table = {{
    transpose_block<1, ByteTile>,
    transpose_block<2, WordTile>,
    transpose_block<4, FloatTile>,
    transpose_block<8, DoubleTile>,
    transpose_block<16, PlainTile<16>>,
}};

}  // namespace engine::avx2
