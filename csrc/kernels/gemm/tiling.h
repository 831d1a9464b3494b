// How a product is cut into tiles of bounded work.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine {

// What a kernel set prefers; elements of C.
struct GemmBlocking {
  int rows;           // rows of a micro-tile: tile heights are multiples of it
  int panel;          // columns of a panel of packed B: tile widths are multiples of it
  int64_t tile_macs;  // multiply-adds of about 100 us at the lowest rate to expect
  int element_bytes;  // of A and B
  int sum_bytes;      // of an accumulator
  int edge_bytes;     // kept for each row of A and each column of a panel of B besides their elements
  int stream_rows;    // products of so few rows read several panels of packed B side by side; 0: none do
  bool groups_rows;   // rows of A that exceed a cache meet all columns in groups that do not
};

// C[m0 .. m1, n0 .. n1), summed over [k0, k1).
struct GemmTile {
  int64_t m0, m1, n0, n1, k0, k1;
  int64_t group0 = 0, group1 = 0;  // rows of the tiles that follow each other over these columns; group1 0: all rows
};

struct GemmTiling {
  int64_t m, n, k;
  int64_t tile_m, tile_n, tile_k;
  int64_t tiles_m, tiles_n;
  int64_t tiles;         // tiles_m * tiles_n; 0 when C is empty
  int64_t group_m;       // tiles of rows that meet all columns before the next rows do
  int64_t k_steps;       // run() calls a tile takes, one for each k range; 1 unless k is huge
  size_t scratch_bytes;  // one worker's, a multiple of 64
};

// Length of the longest chain of multiply-adds: the k of a product is summed in blocks of this many, the last one
// shorter. Depends on k alone; at most 2048.
int64_t gemm_k_block(int64_t k);

// Tiles of at most about 100 us. `workers`: threads that may share the product; small products are cut finer when
// there are several. Consecutive tiles share columns of B.
// pack_a: A's columns are not contiguous (a_col != 1). pack_b: B is not packed beforehand.
GemmTiling gemm_tiling(const GemmBlocking& blocking, int64_t m, int64_t n, int64_t k, int workers, bool pack_a,
                       bool pack_b);

// The part `k_step` of tile `index`. REQUIRES: 0 <= index < tiles, 0 <= k_step < k_steps.
GemmTile gemm_tile(const GemmTiling& tiling, int64_t index, int64_t k_step);

// Scratch for tiles of at most tile_m x tile_n, as in GemmTiling::scratch_bytes.
size_t gemm_scratch_bytes(const GemmBlocking& blocking, int64_t tile_m, int64_t tile_n, int64_t k, bool pack_a,
                          bool pack_b);

}  // namespace engine
