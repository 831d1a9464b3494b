// Tiles of float32 products.
#pragma once

#include "kernels/gemm/f32_epilogue.inl"
#include "kernels/gemm/f32_pack.inl"
#include "kernels/gemm/f32_stream.inl"

namespace engine::ENGINE_TIER {
namespace {

// Fewer rows are multiplied as fast as the hardware fetches by itself.
constexpr int64_t kLeastRowsAhead = 13;

// One tile over one block of k.
struct Block {
  const GemmF32* g;
  GemmTile tile;
  int64_t k0, k;  // this block of the sum
  bool first, last, bare;
  const float* a;  // element [m0, k0]
  int64_t a_row, a_col;
  bool packed_a;  // in groups of kPackedRows
  float* sums;    // [m1 - m0][sums_row]: the blocks of k so far
  int64_t sums_row;
  float* panel;  // scratch for a panel of B
};

// A panel of B, as far as a block needs it.
struct Columns {
  const float* b;
  int64_t b_row;
  int64_t n0;  // first column in C
  int vectors;
  int columns;        // of C; the last vector may have more
  const float* next;  // packed B that is wanted after this panel, or null
  double next_share;  // of a panel
};

static void run_micro(const Block& block, const Columns& part, int64_t i, int rows, FetchAhead& ahead) {
  const GemmF32& g = *block.g;
  alignas(64) float finished[kMicroFloats];
  int64_t row = block.tile.m0 + i, whole = part.vectors * kLanes;
  float* sums = block.sums + i * block.sums_row + (part.n0 - block.tile.n0);
  bool direct = block.last && block.bare && part.columns == whole;
  MicroCall call;
  call.a = block.packed_a ? block.a + i * block.k : block.a + i * block.a_row;
  call.a_row = block.a_row, call.a_col = block.a_col;
  call.b = part.b, call.b_row = part.b_row, call.k = block.k;
  call.sum = block.first ? nullptr : sums, call.sum_row = block.sums_row;
  call.out = !block.last ? sums : direct ? g.c + row * g.c_stride + part.n0 : finished;
  call.out_row = !block.last ? block.sums_row : direct ? g.c_stride : whole;
  call.wanted = block.last ? g.c + row * g.c_stride + part.n0 : nullptr, call.wanted_row = g.c_stride;
  call.ahead = &ahead;
  kMicro[rows - 1][part.vectors - 1](call);
  if (block.last && !direct) finish(g, finished, whole, row, rows, part.n0, part.columns);
}

// Rows of the micro-kernels that a group of vectors is given.
static int rows_of(const Block& block, int vectors) {
  int most = micro_rows(vectors);
  return block.packed_a && most > kPackedRows ? kPackedRows : most;
}

static void run_columns(const Block& block, const Columns& part, FetchAhead& ahead) {
  int64_t m = block.tile.m1 - block.tile.m0;
  int most = rows_of(block, part.vectors);
  if (block.packed_a) {
    for (int64_t i = 0; i < m; i += most) run_micro(block, part, i, m - i < most ? int(m - i) : most, ahead);
    return;
  }
  int64_t calls = (m + most - 1) / most;
  for (int64_t i = 0; calls > 0; --calls) {
    int rows = int((m - i + calls - 1) / calls);
    run_micro(block, part, i, rows, ahead);
    i += rows;
  }
}

// What a panel wants next, in equal shares for all its micro-kernels.
static FetchAhead ahead_of(const Block& block, const Columns& panel, int group) {
  int64_t m = block.tile.m1 - block.tile.m0, most = rows_of(block, group);
  int64_t calls = (m + most - 1) / most * ((panel.vectors + group - 1) / group);
  double bytes = panel.next_share * double(block.k * panel.b_row * int64_t(sizeof(float)));
  return fetch_ahead(panel.next, int64_t(bytes), calls * ((block.k + kAheadTerms - 1) / kAheadTerms));
}

// Cuts a panel into groups of as many vectors as the rows leave registers for.
static void run_panel(const Block& block, const Columns& panel) {
  int64_t m = block.tile.m1 - block.tile.m0;
  int group = kRegisters == 32 || m <= 2 ? kPanelVectors : 2;
  FetchAhead ahead = ahead_of(block, panel, group);
  for (int v = 0; v < panel.vectors; v += group) {
    Columns part = panel;
    part.vectors = panel.vectors - v < group ? panel.vectors - v : group;
    part.b += v * kLanes;
    part.n0 += v * kLanes;
    part.columns -= v * kLanes;
    if (part.columns > part.vectors * kLanes) part.columns = part.vectors * kLanes;
    run_columns(block, part, ahead);
  }
}

// Packing a panel for one tile pays when rows of B are so far apart that a narrow group of columns uses little of each
// page, and enough rows of A follow.
static bool reads_in_place(const GemmF32& g, int64_t rows) {
  return g.b_col == 1 && (kRegisters == 32 || rows <= 2 * kMostRows || (g.b_row >= 0 && g.b_row <= 256));
}

// What of packed B is wanted after the panel at column n0. Tiles of the same columns follow each other, so each of them
// fetches a share of the columns after theirs, and the first also its own panels one after the other.
static void set_next(const Block& block, int64_t n0, Columns* panel) {
  const GemmF32& g = *block.g;
  const GemmTile& tile = block.tile;
  const float* packed = static_cast<const float*>(g.packed_b);
  auto at = [&](int64_t n, int64_t k) { return packed + n * g.k + k * panel_width(g.n, n); };
  if (tile.m1 - tile.m0 < kLeastRowsAhead) return;
  const int64_t rows_end = tile.group1 > 0 ? tile.group1 : g.m;
  const bool last = n0 + kPanel >= tile.n1, ends = block.k0 + block.k >= g.k;
  if (!last || !ends) {
    if (tile.m0 == tile.group0) panel->next = last ? at(tile.n0, block.k0 + block.k) : at(n0 + kPanel, block.k0);
  } else if (tile.n1 < g.n || rows_end < g.m) {
    const double rows = double(rows_end - tile.group0), from = double(tile.m0 - tile.group0) / rows;
    panel->next_share = double(tile.m1 - tile.m0) / rows;
    panel->next = at(tile.n1 < g.n ? tile.n1 : 0, int64_t(from * double(block.k)));
  }
}

static Columns columns_of_panel(const Block& block, int64_t n0) {
  const GemmF32& g = *block.g;
  Columns panel;
  panel.next = nullptr, panel.next_share = 1.0;
  int64_t n1 = n0 + kPanel < block.tile.n1 ? n0 + kPanel : block.tile.n1;
  panel.n0 = n0;
  panel.columns = int(n1 - n0);
  panel.vectors = (panel.columns + kLanes - 1) / kLanes;
  if (g.packed_b) {
    panel.b_row = panel_width(g.n, n0);
    panel.b = static_cast<const float*>(g.packed_b) + n0 * g.k + block.k0 * panel.b_row;
    set_next(block, n0, &panel);
    return panel;
  }
  panel.b = g.b + block.k0 * g.b_row + n0 * g.b_col;
  panel.b_row = g.b_row;
  if (reads_in_place(g, block.tile.m1 - block.tile.m0) && panel.columns % kLanes == 0) return panel;
  panel.b_row = panel.vectors * kLanes;
  pack_panel_f32(panel.b, g.b_row, g.b_col, block.k, panel.columns, panel.b_row, block.panel);
  panel.b = block.panel;
  return panel;
}

// `panels` whole panels side by side, at most most_streams(rows), for rows i ... i + rows - 1 of the tile.
static void run_streams(const Block& block, const Columns& first, int panels, int64_t i, int rows) {
  const GemmF32& g = *block.g;
  alignas(64) float finished[kMicroFloats];
  const int64_t whole = panels * kPanel, row = block.tile.m0 + i;
  float* sums = block.sums + i * block.sums_row + (first.n0 - block.tile.n0);
  const bool direct = block.last && block.bare;
  MicroCall call{};
  call.a = block.a + i * block.a_row, call.a_row = block.a_row, call.a_col = block.a_col;
  call.b = first.b, call.k = block.k;
  call.sum = block.first ? nullptr : sums, call.sum_row = block.sums_row;
  call.out = !block.last ? sums : direct ? g.c + row * g.c_stride + first.n0 : finished;
  call.out_row = !block.last ? block.sums_row : direct ? g.c_stride : whole;
  kStream[g.prefetches][rows - 1][panels - 1](call, g.k * kPanel);
  if (block.last && !direct) finish(g, finished, whole, row, rows, first.n0, int(whole));
}

static void run_block(const Block& block) {
  const int64_t m = block.tile.m1 - block.tile.m0, rows = stream_rows(m);
  const bool streams = block.g->packed_b && (!block.packed_a || m <= kPackedRows);
  const int most = streams ? most_streams(rows) : 0;
  for (int64_t n0 = block.tile.n0, panels = 1; n0 < block.tile.n1; n0 += panels * kPanel) {
    const int64_t whole = most > 0 ? (block.tile.n1 - n0) / kPanel : 0;
    const Columns columns = columns_of_panel(block, n0);
    if (whole == 0) {
      panels = 1;
      run_panel(block, columns);
      continue;
    }
    const int64_t calls = (whole + most - 1) / most;
    panels = (whole + calls - 1) / calls;
    for (int64_t i = 0; i < m; i += rows) run_streams(block, columns, int(panels), i, int(m - i < rows ? m - i : rows));
  }
}

static int64_t round_up_64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

static void run(const GemmF32& g, const GemmTile& tile, void* scratch) {
  const int64_t m = tile.m1 - tile.m0, n = tile.n1 - tile.n0, longest = gemm_k_block(g.k);
  if (m <= 0 || n <= 0) return;
  char* free = static_cast<char*>(scratch);
  Block block;
  block.g = &g, block.tile = tile, block.bare = is_bare(g);
  block.sums = reinterpret_cast<float*>(free);
  block.sums_row = (n + kPanel - 1) / kPanel * kPanel;
  if (g.k > longest) free += round_up_64(m * block.sums_row * int64_t(sizeof(float)));
  block.packed_a = g.a_col != 1 && g.k > 0;
  float* packed_a = reinterpret_cast<float*>(free);
  if (block.packed_a)
    free += round_up_64((m + kPackedRows - 1) / kPackedRows * kPackedRows * ((longest + 3) / 4 * 4) *
                        int64_t(sizeof(float)));
  block.panel = reinterpret_cast<float*>(free);
  block.k0 = tile.k0;
  do {
    block.k = tile.k1 - block.k0 < longest ? tile.k1 - block.k0 : longest;
    block.first = block.k0 == 0, block.last = block.k0 + block.k >= g.k;
    block.a = g.a + tile.m0 * g.a_row + block.k0 * g.a_col;
    block.a_row = g.a_row, block.a_col = g.a_col;
    if (block.packed_a) {
      pack_a(block.a, g.a_row, g.a_col, m, block.k, packed_a);
      block.a = packed_a, block.a_row = 1, block.a_col = kPackedRows;
    }
    run_block(block);
    block.k0 += block.k;
  } while (block.k0 < tile.k1);
}

constexpr GemmBlocking kBlocking = {6, kPanel, kTileMacs, int(sizeof(float)), int(sizeof(float)), 0, kStreamRows, true};

}  // namespace

extern const GemmKernels gemm_table;
const GemmKernels gemm_table = {kBlocking, packed_b_bytes, pack_b, run};

}  // namespace engine::ENGINE_TIER
