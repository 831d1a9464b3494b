// Products of bytes in the tile registers of AMX: 16 rows of 64 bytes each, a product of two adding 16 x 16 sums of 64 terms.
#pragma once

#include <string.h>

#include "kernels/gemm/int8_micro.inl"

namespace engine::ENGINE_TIER {
namespace {

// What the tiles hold: the sums in 0 to 3, A in 4 and 5, B in 6 and 7.
class ByteTiles {
 public:
  static constexpr bool any = true;
  static constexpr int64_t tile_macs = 20000000;  // as Bytes::tile_macs
  static constexpr int least_rows = 3;            // fewer are faster in vectors
  static constexpr int sums = 64;                 // vectors of sums that run() writes at most

  // Vectors of columns at a time for products of m rows, and the rows at a time for so many vectors.
  static int vectors(int64_t m) { return m <= kRows ? 4 : 2; }
  static int rows(int vectors) { return vectors > 2 ? kRows : 2 * kRows; }

  // Once, after all products: what the system saves of this thread gets small again.
  void release() const {
    if (shape_ != 0) _tile_release();
  }

  // As byte_micro, for rows and vectors as above.
  void run(const ByteCall& call, int rows, int vectors) {
    const int below = vectors > 2 ? rows : rows > kRows ? rows - kRows : 0;
    configure(rows < kRows ? rows : kRows, below);
    if (vectors > 2) vectors == 4 ? flat<4>(call, rows) : flat<3>(call, rows);
    else if (below > 0) vectors == 2 ? square<2, true>(call, rows) : square<1, true>(call, rows);
    else vectors == 2 ? square<2, false>(call, rows) : square<1, false>(call, rows);
  }

 private:
  static constexpr int kRows = 16, kRowBytes = 64, kGroups = 16;

  struct alignas(64) Config {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
  };

  // The compiler does not know what the instructions on tiles read.
  static ENGINE_INLINE void write_back() {
#if defined(__GNUC__)
    __asm__ volatile("" ::: "memory");
#endif
  }

  // `rows` in the upper tiles, `below` in the lower ones of A and of the sums.
  void configure(int rows, int below) {
    const int shape = rows << 8 | below;
    if (shape == shape_) return;
    shape_ = shape;
    const int of_tile[] = {rows, rows, below, below, rows, below, kGroups, kGroups};
    Config config;
    for (int i = 0; i < 8; ++i) {
      config.rows[i] = uint8_t(of_tile[i]);
      config.row_bytes[i] = of_tile[i] ? kRowBytes : 0;
    }
    write_back();
    _tile_loadconfig(&config);
  }

  // step(a, a_row, b, b_row) for every 64 terms; the last ones, if fewer, from copies that are filled up.
  template <int NV, class Step>
  static ENGINE_INLINE void for_terms(const ByteCall& call, int rows, Step step) {
    const uint8_t* a = call.a;
    const int8_t* b = call.b;
    const int64_t b_row = call.b_row * Bytes::group, rest = call.groups % kGroups;
    FetchAhead ahead = call.ahead ? *call.ahead : FetchAhead{};
    for (int64_t i = call.groups / kGroups; i > 0; --i, a += kRowBytes, b += kGroups * b_row) {
      ahead.fetch();
      step(a, call.a_row, b, b_row);
    }
    if (call.ahead) *call.ahead = ahead;
    if (rest == 0) return;
    alignas(64) uint8_t last_a[2 * kRows * kRowBytes];
    alignas(64) int8_t last_b[kGroups * NV * kRowBytes];
    const __mmask64 inside = ~__mmask64(0) >> (kRowBytes - rest * Bytes::group);
    for (int i = 0; i < rows; ++i) _mm512_store_si512(last_a + i * kRowBytes, _mm512_maskz_loadu_epi8(inside, a + i * call.a_row));
    for (int64_t p = 0; p < kGroups; ++p)
      for (int j = 0; j < NV; ++j)
        _mm512_store_si512(last_b + (p * NV + j) * kRowBytes, p < rest ? Bytes::load_b(b + p * b_row + j * kRowBytes) : Bytes::zero());
    write_back();
    step(last_a, kRowBytes, last_b, NV * kRowBytes);
  }

  template <int NV, bool kBelow>
  static void square(const ByteCall& call, int rows) {
    _tile_zero(0);
    if constexpr (NV > 1) _tile_zero(1);
    if constexpr (kBelow) _tile_zero(2);
    if constexpr (kBelow && NV > 1) _tile_zero(3);
    for_terms<NV>(call, rows, [](const uint8_t* a, int64_t a_row, const int8_t* b, int64_t b_row) {
      _tile_loadd(6, b, b_row);
      _tile_loadd(4, a, a_row);
      _tile_dpbusd(0, 4, 6);
      if constexpr (kBelow) {
        _tile_loadd(5, a + kRows * a_row, a_row);
        _tile_dpbusd(2, 5, 6);
      }
      if constexpr (NV > 1) {
        _tile_loadd(7, b + kRowBytes, b_row);
        _tile_dpbusd(1, 4, 7);
        if constexpr (kBelow) _tile_dpbusd(3, 5, 7);
      }
    });
    const int64_t out_row = call.out_row * int64_t(sizeof(int32_t));
    int32_t* below = call.out + kRows * call.out_row;
    _tile_stored(0, call.out, out_row);
    if constexpr (NV > 1) _tile_stored(1, call.out + kLanes, out_row);
    if constexpr (kBelow) _tile_stored(2, below, out_row);
    if constexpr (kBelow && NV > 1) _tile_stored(3, below + kLanes, out_row);
  }

  template <int NV>
  static void flat(const ByteCall& call, int rows) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    if constexpr (NV > 3) _tile_zero(3);
    for_terms<NV>(call, rows, [](const uint8_t* a, int64_t a_row, const int8_t* b, int64_t b_row) {
      _tile_loadd(4, a, a_row);
      _tile_loadd(6, b, b_row);
      _tile_dpbusd(0, 4, 6);
      _tile_loadd(7, b + kRowBytes, b_row);
      _tile_dpbusd(1, 4, 7);
      _tile_loadd(6, b + 2 * kRowBytes, b_row);
      _tile_dpbusd(2, 4, 6);
      if constexpr (NV > 3) {
        _tile_loadd(7, b + 3 * kRowBytes, b_row);
        _tile_dpbusd(3, 4, 7);
      }
    });
    const int64_t out_row = call.out_row * int64_t(sizeof(int32_t));
    _tile_stored(0, call.out, out_row);
    _tile_stored(1, call.out + kLanes, out_row);
    _tile_stored(2, call.out + 2 * kLanes, out_row);
    if constexpr (NV > 3) _tile_stored(3, call.out + 3 * kLanes, out_row);
  }

  int shape_ = 0;
};

}  // namespace
}  // namespace engine::ENGINE_TIER
