// Products of rows that lie in pieces, in tile registers: 32 rows at a time, copied to where a tile can load them.
#pragma once

#include "kernels/byteconv/rows.inl"

namespace engine::ENGINE_TIER {
namespace {

constexpr int kTileRows = 32;
constexpr int64_t kTileTerms = 64;

static int64_t tile_terms(int64_t pieces, int64_t length) { return round_up_64(row_groups(pieces, length) * Bytes::group); }

// Tiles load 64 terms of a panel, the last ones too: what follows the last panel is readable, and zero.
static int64_t terms_after(int64_t pieces, int64_t length) { return tile_terms(pieces, length) - row_groups(pieces, length) * Bytes::group; }

static size_t packed_tile_bytes(int64_t n, int64_t pieces, int64_t length) {
  return packed_weight_bytes(n, pieces, length) + size_t(terms_after(pieces, length) * kBytePanel);
}

static void pack_tiles(const int8_t* w, int64_t n, int64_t pieces, int64_t length, int64_t begin, int64_t end, void* packed) {
  pack_weights(w, n, pieces, length, begin, end, packed);
  if (end == weight_pack_items(n, pieces, length))
    memset(static_cast<char*>(packed) + packed_weight_bytes(n, pieces, length), 0, size_t(terms_after(pieces, length) * kBytePanel));
}

// After what run_rows needs.
static size_t tiles_scratch_bytes(int64_t m, int64_t pieces, int64_t length) {
  return rows_scratch_bytes(m, pieces, length) + size_t(kTileRows * tile_terms(pieces, length) + kTileTerms);
}

// Rows of data as tiles load them.
struct TileData {
  const uint8_t* first;
  int64_t row;  // bytes from one to the next
};

// Whether each row is one piece of whole tiles, all as far from each other.
static bool is_even(const uint8_t* const* rows, int count, int64_t pieces, int64_t length) {
  if (pieces != 1 || length % kTileTerms != 0) return false;
  for (int i = 2; i < count; ++i)
    if (rows[i] - rows[i - 1] != rows[1] - rows[0]) return false;
  return true;
}

static void copy_row(const uint8_t* const* pieces, int64_t count, int64_t bytes, int64_t terms, uint8_t* to) {
  _mm512_storeu_si512(to + terms - kTileTerms, _mm512_setzero_si512());
  for (int64_t s = 0; s < count; ++s, to += bytes) {
    int64_t at = 0;
    for (; at + kTileTerms <= bytes; at += kTileTerms) _mm512_storeu_si512(to + at, _mm512_loadu_si512(pieces[s] + at));
    if (at < bytes) _mm512_storeu_si512(to + at, _mm512_maskz_loadu_epi8(~__mmask64(0) >> (kTileTerms - (bytes - at)), pieces[s] + at));
  }
}

static TileData place_rows(const ByteRows& g, int64_t i, int count, uint8_t* to) {
  const uint8_t* const* rows = g.rows + i * g.pieces;
  if (is_even(rows, count, g.pieces, g.length)) return {rows[0], count > 1 ? rows[1] - rows[0] : kTileTerms};
  const int64_t terms = tile_terms(g.pieces, g.length), bytes = whole_groups(g.length) * Bytes::group;
  for (int r = 0; r < count; ++r) copy_row(rows + r * g.pieces, g.pieces, bytes, terms, to + r * terms);
  return {to, terms};
}

// sums: [rows][NV vectors]
template <int NV>
void finish_tile(RowsCall call, const int32_t* sums, int rows) {
  const uint32_t* start = reinterpret_cast<const uint32_t*>(call.finish->start) + call.column;
  for (int r = 0; r < rows; ++r, sums += NV * kLanes, call.c += call.c_row) {
    Bytes::V acc[1][NV];
    ENGINE_UNROLL
    for (int j = 0; j < NV; ++j)
      acc[0][j] = Words::add(Words::load(reinterpret_cast<const uint32_t*>(sums) + j * kLanes), Words::load(start + j * kLanes));
    finish_rows<1, NV>(call, acc);
    if (call.row_sums) ++call.row_sums;
  }
}

using FinishTileFn = void (*)(RowsCall, const int32_t*, int);
constexpr FinishTileFn kFinishTile[kBytePanelVectors] = {finish_tile<1>, finish_tile<2>, finish_tile<3>, finish_tile<4>};

// `call` has everything but b.
static void run_tile_panel(ByteTiles& tiles, const TileData& data, int64_t terms, const int8_t* b, int64_t width, int rows, int vectors,
                           const RowsCall& call, FetchAhead* ahead) {
  alignas(64) int32_t sums[kTileRows * kBytePanel];
  ByteCall product{};
  product.a = data.first, product.a_row = data.row;
  product.b_row = width, product.groups = terms / Bytes::group;
  product.out_row = vectors * kLanes;
  product.ahead = ahead;
  const int at_once = ByteTiles::vectors(rows);
  for (int v = 0; v < vectors; v += at_once) {
    product.b = b + v * kLanes * Bytes::group, product.out = sums + v * kLanes;
    tiles.run(product, rows, vectors - v < at_once ? vectors - v : at_once);
  }
  kFinishTile[vectors - 1](call, sums, rows);
}

// Short sums are faster in vectors, which copy nothing.
static void run_tiles(const ByteRows& g, void* scratch) {
  const int64_t groups = row_groups(g.pieces, g.length), terms = tile_terms(g.pieces, g.length), size = g.finish.words ? 4 : 1;
  if (g.m < ByteTiles::least_rows || groups * Bytes::group < kTileTerms || g.packed_length) return run_rows(g, scratch);
  int32_t* row_sums = g.weight_zeros ? static_cast<int32_t*>(scratch) : nullptr;
  if (row_sums) sum_rows(g, row_sums);
  uint8_t* block = static_cast<uint8_t*>(scratch) + rows_scratch_bytes(g.m, g.pieces, g.length);
  RowsCall call{};
  call.weight_zeros = g.weight_zeros, call.finish = &g.finish, call.c_row = g.c_stride * size;
  const int64_t blocks = (g.m + kTileRows - 1) / kTileRows, pairs = (g.n1 - g.n0 + 2 * kLanes - 1) / (2 * kLanes);
  FetchAhead ahead = fetch_ahead(g.next, g.next_bytes, blocks * pairs * (terms / kTileTerms));
  ByteTiles tiles;
  for (int64_t i = 0; i < g.m; i += kTileRows) {
    const int rows = g.m - i < kTileRows ? int(g.m - i) : kTileRows;
    const TileData data = place_rows(g, i, rows, block);
    call.row_sums = row_sums ? row_sums + i : nullptr;
    for (int64_t n0 = g.n0; n0 < g.n1; n0 += kBytePanel) {
      const int64_t columns = g.n1 - n0 < kBytePanel ? g.n1 - n0 : kBytePanel;
      const int vectors = int((columns + kLanes - 1) / kLanes);
      call.column = n0, call.tail = int(columns - (vectors - 1) * kLanes);
      call.c = static_cast<char*>(g.c) + (i * g.c_stride + n0 - g.n0) * size;
      run_tile_panel(tiles, data, terms, panel_at(g.packed, n0, groups), panel_width(g.n, n0), rows, vectors, call, &ahead);
    }
  }
  tiles.release();
}

}  // namespace
}  // namespace engine::ENGINE_TIER
