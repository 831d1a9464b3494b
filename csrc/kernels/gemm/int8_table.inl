// Tiles of byte products.
#pragma once

#include "kernels/gemm/int8_epilogue.inl"
#include "kernels/gemm/int8_pack.inl"

namespace engine::ENGINE_TIER {
namespace {

// One tile over one block of k.
struct ByteBlock {
  ByteTiles* tiles;
  const GemmInt8* g;
  GemmTile tile;
  int64_t k0, k;
  bool first, last;
  const Bytes::A* a;  // [m1 - m0][a_row], from column k0, k padded to whole groups
  int64_t a_row;
  const int32_t* a_sums;  // [m1 - m0], or null when no column has a zero point
  uint32_t* sums;         // [m1 - m0][sums_row]: the blocks of k so far
  int64_t sums_row;
  char* panel;  // scratch for a panel of B
};

struct ByteColumns {
  const int8_t* b;
  const int32_t* b_sums;
  int64_t b_row;
  int64_t n0;
  int vectors;
  int columns;
};

static int32_t zero_of_a(const GemmInt8& g, int64_t row) {
  return (g.a_zeros ? g.a_zeros[row] : g.a_zero) + shift_of_a(g.a_type);
}

static bool b_has_zeros(const GemmInt8& g) { return g.b_zeros || g.b_zero + shift_of_b(g.b_type) != 0; }

// Whether rows of which there are so many go through tile registers.
template <class T>
constexpr bool tiled(int64_t rows) {
  if constexpr (T::any) {
    return rows >= T::least_rows;
  } else {
    return false;
  }
}

template <class T>
void multiply_rows(T& tiles, const ByteCall& call, int rows, int vectors) {
  if constexpr (T::any) {
    if (tiled<T>(rows)) return tiles.run(call, rows, vectors);
  }
  kByteMicro[rows - 1][vectors - 1](call);
}

// Vectors of columns at a time for m rows.
template <class T>
int vectors_at_once(int64_t m) {
  if constexpr (T::any) {
    if (tiled<T>(m)) return T::vectors(m);
  }
  return kRegisters == 32 || m <= 2 ? kBytePanelVectors : 2;
}

// Rows of the next call, of `left`: as even as can be, but tiles as full as can be.
template <class T>
int rows_at_once(int64_t left, int vectors) {
  if constexpr (T::any) {
    if (tiled<T>(left)) return left < T::rows(vectors) ? int(left) : T::rows(vectors);
  }
  const int most = byte_rows(vectors);
  const int64_t calls = (left + most - 1) / most;
  return int((left + calls - 1) / calls);
}

static void run_byte_micro(const ByteBlock& block, const ByteColumns& part, const ByteColumnTerms& terms, int64_t i,
                           int rows) {
  alignas(64) int32_t out[(ByteTiles::sums > 24 ? ByteTiles::sums : 24) * kLanes];
  const GemmInt8& g = *block.g;
  const int whole = part.vectors * kLanes;
  ByteCall call;
  call.a = block.a + i * block.a_row, call.a_row = block.a_row;
  call.b = part.b, call.b_row = part.b_row;
  call.groups = (block.k + Bytes::group - 1) / Bytes::group;
  call.out = out, call.out_row = whole;
  call.ahead = nullptr;
  multiply_rows(*block.tiles, call, rows, part.vectors);
  for (int r = 0; r < rows; ++r) {
    const int64_t row = block.tile.m0 + i + r;
    uint32_t* x = reinterpret_cast<uint32_t*>(out + r * whole);
    uint32_t* sums = block.sums + (i + r) * block.sums_row + (part.n0 - block.tile.n0);
    ByteRowTerms row_terms;
    row_terms.a_zero = uint32_t(zero_of_a(g, row));
    row_terms.a_sum = block.a_sums ? uint32_t(block.a_sums[i + r]) - uint32_t(block.k) * row_terms.a_zero : 0u;
    row_terms.more = block.first ? nullptr : sums;
    row_terms.scale = g.row_scales ? g.row_scales[row] : 1.0f;
    if (block.last) {
      char* c = static_cast<char*>(g.c) + (row * g.c_stride + part.n0) * result_size(g);
      finish_row(g, terms, row_terms, x, c, whole, part.columns);
    } else {
      for (int j = 0; j < whole; j += kLanes) Words::store(sums + j, exact_sums(terms, row_terms, x, j));
    }
  }
}

static void run_byte_columns(const ByteBlock& block, const ByteColumns& part) {
  int64_t m = block.tile.m1 - block.tile.m0;
  ByteColumnTerms terms;
  load_column_terms(*block.g, block.k > 0 ? part.b_sums : nullptr, shift_of_b(block.g->b_type), part.n0, part.columns,
                    part.vectors * kLanes, &terms);
  for (int64_t i = 0; i < m;) {
    const int rows = rows_at_once<ByteTiles>(m - i, part.vectors);
    run_byte_micro(block, part, terms, i, rows);
    i += rows;
  }
}

static void run_byte_panel(const ByteBlock& block, const ByteColumns& panel) {
  const int64_t m = block.tile.m1 - block.tile.m0;
  const int group = vectors_at_once<ByteTiles>(m);
  for (int v = 0; v < panel.vectors; v += group) {
    const int64_t skip = v * kLanes;
    ByteColumns part = panel;
    part.vectors = panel.vectors - v < group ? panel.vectors - v : group;
    part.b += skip * Bytes::group;
    part.b_sums += skip;
    part.n0 += skip;
    part.columns -= int(skip);
    if (part.columns > part.vectors * kLanes) part.columns = part.vectors * kLanes;
    run_byte_columns(block, part);
  }
}

static ByteColumns byte_columns(const ByteBlock& block, int64_t n0) {
  const GemmInt8& g = *block.g;
  const int64_t n1 = n0 + kBytePanel < block.tile.n1 ? n0 + kBytePanel : block.tile.n1;
  ByteColumns panel;
  panel.n0 = n0;
  panel.columns = int(n1 - n0);
  panel.vectors = (panel.columns + kLanes - 1) / kLanes;
  panel.b_row = panel.vectors * kLanes;
  const char* data = block.panel;
  if (g.packed_b) {
    panel.b_row = byte_panel_width(g.n, n0);
    const int64_t blocks_before = block.k0 / gemm_k_block(g.k);
    data = static_cast<const char*>(g.packed_b) + n0 * packed_column_bytes(g.k) +
           panel.b_row * (blocks_before * int64_t(sizeof(int32_t)) + block.k0);
  } else {
    const uint8_t* b = static_cast<const uint8_t*>(g.b) + block.k0 * g.b_row + n0 * g.b_col;
    pack_byte_block(b, g.b_row, g.b_col, g.b_type == ByteType::u8 ? 0x80 : 0, block.k, panel.columns, panel.b_row,
                    block.panel);
  }
  panel.b_sums = reinterpret_cast<const int32_t*>(data);
  panel.b = reinterpret_cast<const int8_t*>(panel.b_sums + panel.b_row);
  return panel;
}

// A as the micro-kernels read it: where it lies if it can be, else copied to `to`.
static void set_byte_a(const GemmInt8& g, ByteBlock* block, Bytes::A* to) {
  const int64_t m = block->tile.m1 - block->tile.m0, offset = block->tile.m0 * g.a_row + block->k0 * g.a_col;
  if (kUnsignedA && g.a_type == ByteType::u8 && g.a_col == 1 && block->k % Bytes::group == 0) {
    block->a = reinterpret_cast<const Bytes::A*>(static_cast<const uint8_t*>(g.a) + offset);
    block->a_row = g.a_row;
    return;
  }
  block->a = to;
  block->a_row = round_up_to(block->k, Bytes::group);
  const void* from = static_cast<const char*>(g.a) + offset;
  pack_byte_rows(from, g.a_type, g.a_row, g.a_col, m, block->k, to);
}

static void run_bytes(const GemmInt8& g, const GemmTile& tile, void* scratch) {
  const int64_t m = tile.m1 - tile.m0, n = tile.n1 - tile.n0, longest = gemm_k_block(g.k);
  if (m <= 0 || n <= 0) return;
  char* free = static_cast<char*>(scratch);
  ByteTiles tiles;
  ByteBlock block;
  block.tiles = &tiles, block.g = &g, block.tile = tile;
  block.sums = reinterpret_cast<uint32_t*>(free);
  block.sums_row = round_up_to(n, kBytePanel);
  if (g.k > longest) free += round_up_to(m * block.sums_row * int64_t(sizeof(int32_t)), 64);
  int32_t* a_sums = reinterpret_cast<int32_t*>(free);
  free += round_up_to(m * int64_t(sizeof(int32_t)), 64);
  Bytes::A* packed_a = reinterpret_cast<Bytes::A*>(free);
  block.panel = free + round_up_to(m * round_up_to(longest, 4) * int64_t(sizeof(Bytes::A)), 64);
  block.a_sums = b_has_zeros(g) ? a_sums : nullptr;
  block.k0 = tile.k0;
  do {
    block.k = tile.k1 - block.k0 < longest ? tile.k1 - block.k0 : longest;
    block.first = block.k0 == 0, block.last = block.k0 + block.k >= g.k;
    set_byte_a(g, &block, packed_a);
    if (block.a_sums) sum_byte_rows(block.a, block.a_row, m, block.k, a_sums);
    for (int64_t n0 = tile.n0; n0 < tile.n1; n0 += kBytePanel) run_byte_panel(block, byte_columns(block, n0));
    block.k0 += block.k;
  } while (block.k0 < tile.k1);
  tiles.release();
}

constexpr GemmBlocking kByteBlocking = {
    6, kBytePanel, ByteTiles::tile_macs, int(sizeof(Bytes::A)), int(sizeof(int32_t)), int(sizeof(int32_t)), 0, false};

}  // namespace

extern const GemmInt8Kernels gemm_int8_table;
const GemmInt8Kernels gemm_int8_table = {kByteBlocking, packed_bytes, pack_bytes, run_bytes};

}  // namespace engine::ENGINE_TIER
