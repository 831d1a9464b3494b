#include "kernels/gemm/tiling.h"

#include <algorithm>

#include "base/cache_size.h"

namespace engine {
namespace {

constexpr int64_t kLongestChain = 2048;
constexpr int64_t kChainUnit = 64;
constexpr int64_t kStreamBytes = 1 << 20;      // 100 us at 10 GB/s
constexpr int64_t kStreamTileBytes = 3 << 19;  // 100 us at 15 GB/s, which several streams reach
constexpr int64_t kLeastStreamBytes = 256 << 10;  // some microseconds
constexpr int64_t kStreams = 4;                // panels that kernels read side by side
constexpr int64_t kPackedElements = 256 << 10;  // 100 us of packing, or of results written
constexpr int64_t kResidentBytes = 512 << 10;  // columns of B that stay in a second-level cache
constexpr int64_t kFinestTileMacs = 250000;    // some microseconds: a tile worth handing to another thread
constexpr int64_t kTilesPerWorker = 3;
constexpr int64_t kLeastDepth = 16;            // products of few terms cost what their results do

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Tiles of equal height, multiples of `unit`, none above `limit` (or one unit).
int64_t even_tile(int64_t size, int64_t limit, int64_t unit) {
  limit = std::max(unit, limit / unit * unit);
  return round_up(ceil_div(size, ceil_div(size, limit)), unit);
}

int64_t work_of_a_tile(const GemmBlocking& b, int64_t m, int64_t n, int64_t k, int workers) {
  if (workers <= 1) return b.tile_macs;
  double share = double(m) * double(n) * double(k) / double(workers * kTilesPerWorker);
  if (share > double(b.tile_macs)) return b.tile_macs;
  return std::clamp<int64_t>(int64_t(share), std::min(kFinestTileMacs, b.tile_macs), b.tile_macs);
}

// Products of few rows, which take as long as reading B does: as many panels as are read side by side, some tiles for
// each worker unless these would be small.
int64_t stream_tile(const GemmBlocking& b, int64_t n, int64_t k, int workers) {
  const int64_t panel_bytes = b.panel * gemm_k_block(k) * b.element_bytes, panels = ceil_div(n, b.panel);
  int64_t most = std::max<int64_t>(1, kStreamTileBytes / panel_bytes);
  if (most > kStreams) most = most / kStreams * kStreams;
  if (workers > 1) most = std::min(most, std::max(panels / (2 * workers), ceil_div(kLeastStreamBytes, panel_bytes)));
  return ceil_div(panels, ceil_div(panels, most)) * b.panel;
}

// Bytes of A that stay in the second-level cache beside panels of B.
int64_t near_bytes() { return std::clamp<int64_t>(second_level_cache_bytes() / 2, kResidentBytes, 2 * kResidentBytes); }

// Tiles of rows in a group, in equal groups: each reads all of B, so those of about as few rows as a tile has columns do not pay.
int64_t group_of(const GemmBlocking& b, const GemmTiling& t) {
  if (!b.groups_rows) return t.tiles_m;
  const int64_t rows = near_bytes() / (std::max<int64_t>(t.k, 1) * b.element_bytes);
  if (rows >= t.m || rows < std::max(t.tile_n + t.tile_n / 4, t.tile_m)) return t.tiles_m;
  return ceil_div(t.tiles_m, ceil_div(t.tiles_m, rows / t.tile_m));
}

}  // namespace

int64_t gemm_k_block(int64_t k) {
  if (k <= kLongestChain) return std::max<int64_t>(k, 1);
  return round_up(ceil_div(k, ceil_div(k, kLongestChain)), kChainUnit);
}

size_t gemm_scratch_bytes(const GemmBlocking& b, int64_t tile_m, int64_t tile_n, int64_t k, bool pack_a, bool pack_b) {
  int64_t block = gemm_k_block(k), bytes = 0;
  if (k > block) bytes += round_up(tile_m * round_up(tile_n, b.panel) * b.sum_bytes, 64);
  if (pack_a) bytes += round_up(round_up(tile_m, b.rows) * round_up(block, 4) * b.element_bytes, 64);
  bytes += round_up(tile_m * b.edge_bytes, 64);
  if (pack_b) bytes += round_up(b.panel * (round_up(block, 4) * b.element_bytes + b.edge_bytes), 64);
  return size_t(bytes);
}

GemmTiling gemm_tiling(const GemmBlocking& b, int64_t m, int64_t n, int64_t k, int workers, bool pack_a, bool pack_b) {
  GemmTiling t{};
  t.m = m, t.n = n, t.k = k;
  t.k_steps = 1;
  t.group_m = 1;
  t.tile_k = std::max<int64_t>(k, 1);
  if (m <= 0 || n <= 0) return t;
  int64_t depth = std::max<int64_t>(k, 1);
  const bool streams = m <= b.stream_rows && !pack_b;
  int64_t area = std::max<int64_t>(1, work_of_a_tile(b, m, n, k, workers) / std::max(gemm_k_block(depth), kLeastDepth));
  area = std::min(area, kPackedElements);
  int64_t widest = std::max<int64_t>(b.panel, kResidentBytes / (depth * b.element_bytes));
  if (m <= 4 * b.rows) {
    t.tile_m = round_up(m, b.rows);
    widest = std::max<int64_t>(b.panel, pack_b ? std::min(kStreamBytes / b.element_bytes, kPackedElements) / depth : kStreamBytes / (depth * b.element_bytes));
    t.tile_n = even_tile(n, std::min(area / m, widest), b.panel);
    if (streams) t.tile_n = stream_tile(b, n, depth, workers);
  } else {
    int64_t side = 1;
    while ((side + 1) * (side + 1) * b.panel * b.panel <= area) ++side;
    t.tile_n = even_tile(n, std::min(side * b.panel, widest), b.panel);
    t.tile_m = even_tile(m, area / std::max<int64_t>(std::min(t.tile_n, n), b.panel / 4), b.rows);
  }
  t.tiles_m = ceil_div(m, t.tile_m);
  t.tiles_n = ceil_div(n, t.tile_n);
  t.tiles = t.tiles_m * t.tiles_n;
  t.group_m = group_of(b, t);
  int64_t block = gemm_k_block(k), macs_a_k = std::min(m, t.tile_m) * t.tile_n;
  if (k > block && streams) {
    t.tile_k = block;
    t.k_steps = ceil_div(k, block);
  } else if (k > block && (macs_a_k * k > 2 * b.tile_macs || (pack_b && t.tile_n * k > 2 * kPackedElements))) {
    int64_t blocks = b.tile_macs / (macs_a_k * block);
    if (pack_b) blocks = std::min(blocks, kPackedElements / (t.tile_n * block));
    t.tile_k = std::max<int64_t>(1, blocks) * block;
    t.k_steps = ceil_div(k, t.tile_k);
  }
  t.scratch_bytes = gemm_scratch_bytes(b, t.tile_m, t.tile_n, k, pack_a, pack_b);
  return t;
}

GemmTile gemm_tile(const GemmTiling& t, int64_t index, int64_t k_step) {
  GemmTile tile;
  const int64_t first = index / (t.group_m * t.tiles_n) * t.group_m, rows = std::min(t.group_m, t.tiles_m - first);
  const int64_t inside = index - first * t.tiles_n;
  tile.group0 = first * t.tile_m;
  tile.group1 = std::min(t.m, (first + rows) * t.tile_m);
  tile.m0 = (first + inside % rows) * t.tile_m;
  tile.n0 = inside / rows * t.tile_n;
  tile.k0 = k_step * t.tile_k;
  tile.m1 = std::min(t.m, tile.m0 + t.tile_m);
  tile.n1 = std::min(t.n, tile.n0 + t.tile_n);
  tile.k1 = std::min(t.k, tile.k0 + t.tile_k);
  return tile;
}

}  // namespace engine
