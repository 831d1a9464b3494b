// Scoring of panels, included by tier files inside namespace engine::<tier> after their Cells:
//
//   V              a vector of `bytes` lanes, unsigned
//   load, store, set, add
//   next           of `leaf`, `number` where value > threshold and leaf >= least, else leaf
//   Key, key       tree_key of a float in all lanes, of NaN the least number
//   above          how many of sixteen int32 are below a Key
//   below<strict>  how many of eight float64 are below a value, or at most it
//   Row<Quarters>  the bytes of one row, 64 * Quarters of them: look_up gives those with the numbers in a V; high: bit i adds 256
//                  to the number in lane i
//   most_quarters  of the Rows that there are: 2 or 8
//   rows           that are scored together

ENGINE_INLINE uint8_t byte_of(int below) { return uint8_t(below < 0 ? 0 : below > 255 ? 255 : below); }

ENGINE_INLINE void store_side(int below, int bytes, uint8_t* to) {
  to[0] = byte_of(below);
  for (int i = 1; i < bytes; ++i) to[i] = byte_of(below -= kPanelStep);
}

// below: 0 of NaN.
ENGINE_INLINE void store_rank(const TreeRank& rank, int below, bool nan, uint8_t* to) {
  if (rank.nan_least >= 0) store_side(below, rank.bytes, to + rank.nan_least);
  if (rank.nan_greatest >= 0) store_side(nan ? INT32_MAX : below, rank.bytes, to + rank.nan_greatest);
}

// vector(at): how many of `each` numbers from `at` on are below the value.
template <class Count>
ENGINE_INLINE int steps_below(const TreeRank& rank, int each, Count vector) {
  int vectors = 0;
  for (int i = 0; i < rank.pivot_vectors; ++i) vectors += vector(rank.pivots + uint32_t(i * each));
  return vectors * each + vector(rank.steps + uint32_t(vectors * each));
}

static void rank_floats(const TreeRank* ranks, int count, const int32_t* steps, const float* row, uint8_t* to) {
  for (int c = 0; c < count; ++c) {
    const float x = row[ranks[c].feature];
    const Cells::Key key = Cells::key(x);
    store_rank(ranks[c], steps_below(ranks[c], 16, [&](uint32_t at) { return Cells::above(key, steps + at); }), x != x, to);
  }
}

static void rank_doubles(const TreeRank* ranks, int count, const double* steps, const double* row, uint8_t* to) {
  for (int c = 0; c < count; ++c) {
    const double x = row[ranks[c].feature];
    const int below = ranks[c].strict ? steps_below(ranks[c], 8, [&](uint32_t at) { return Cells::below<true>(x, steps + at); })
                                      : steps_below(ranks[c], 8, [&](uint32_t at) { return Cells::below<false>(x, steps + at); });
    store_rank(ranks[c], below, x != x, to);
  }
}

constexpr int kParts = kPanelTrees / Cells::bytes;  // vectors that hold a byte of each tree

ENGINE_INLINE void store_leaves(const TreePanel& panel, const Cells::V (&number)[kParts], int32_t* results) {
  alignas(64) uint8_t numbers[kPanelTrees];
  for (int i = 0; i < kParts; ++i) Cells::store(numbers + i * Cells::bytes, number[i]);
  const int32_t* leaves = panel.leaves_at;
  for (int t = 0; t < kPanelTrees; t += 8, leaves += 8 * panel.leaves) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) results[t + i] = leaves[i * panel.leaves + numbers[t + i]];
  }
}

// Leaves of rows [0, Rows) in each of `Panels` panels at the slots [s, end).
template <int Quarters, int Rows, int Panels>
ENGINE_INLINE void look(const TreePanel* panel, int s, int end, const Cells::Row<Quarters>* row, Cells::V (*leaf)[Rows][kParts]) {
  Cells::V number = Cells::set(uint8_t(s + 1));
  for (int64_t at = int64_t(s) * kSlotBytes; s < end; ++s, at += kSlotBytes, number = Cells::add(number, Cells::set(1))) {
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) {
      const uint64_t high = Quarters > 4 ? panel[p].high[s] : 0;
#pragma GCC unroll 8
      for (int i = 0; i < kParts; ++i) {
        const uint8_t* slot = panel[p].slots + at + i * Cells::bytes;
        const Cells::V column = Cells::load(slot), threshold = Cells::load(slot + kPanelTrees), least = Cells::load(slot + 2 * kPanelTrees);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) leaf[p][r][i] = Cells::next(leaf[p][r][i], row[r].look_up(column, high), threshold, least, number);
      }
    }
  }
}

// What a node does to `leaf` is a chain of its own in each panel, row and part; some of them hide its latency.
template <int Quarters, int Rows, int Panels>
ENGINE_INLINE void score(const TreePanel* panel, const uint8_t* bytes, int32_t* results, int64_t stride) {
  Cells::Row<Quarters> row[Rows];
  Cells::V leaf[Panels][Rows][kParts];
  int common = panel[0].leaves - 1;
  for (int r = 0; r < Rows; ++r) row[r].load(bytes + r * Quarters * 64);
  for (int p = 0; p < Panels; ++p) {
    common = panel[p].leaves - 1 < common ? panel[p].leaves - 1 : common;
    for (int r = 0; r < Rows; ++r)
      for (int i = 0; i < kParts; ++i) leaf[p][r][i] = Cells::set(0);
  }
  look<Quarters, Rows, Panels>(panel, 0, common, row, leaf);
  for (int p = 0; Panels > 1 && p < Panels; ++p) look<Quarters, Rows, 1>(panel + p, common, panel[p].leaves - 1, row, leaf + p);
  for (int p = 0; p < Panels; ++p)
    for (int r = 0; r < Rows; ++r) store_leaves(panel[p], leaf[p][r], results + p * stride + r * kPanelTrees);
}

template <int Quarters, int Rows, int Panels>
ENGINE_INLINE void score_rows(const TreePanel* panel, int panels, const uint8_t* bytes, int32_t* results, int64_t stride) {
  int p = 0;
  for (; p + Panels <= panels; p += Panels) score<Quarters, Rows, Panels>(panel + p, bytes, results + p * stride, stride);
  if constexpr (Panels > 1) score_rows<Quarters, Rows, Panels / 2>(panel + p, panels - p, bytes, results + p * stride, stride);
}

template <int Quarters, int Rows>
void score_all(const TreePanel* panel, int panels, const uint8_t* bytes, int rows, int32_t* results) {
  const int64_t stride = int64_t(rows) * kPanelTrees;
  int row = 0;
  auto take = [&]<int Some, int Panels>() {
    for (; row + Some <= rows; row += Some)
      score_rows<Quarters, Some, Panels>(panel, panels, bytes + row * Quarters * 64, results + row * kPanelTrees, stride);
  };
  constexpr int kChains = 4 / kParts > 1 ? 4 / kParts : 1;
  take.template operator()<Rows, (kChains > Rows ? kChains / Rows : 1)>();
  if constexpr (Rows > 2) take.template operator()<2, (kChains > 2 ? kChains / 2 : 1)>();
  take.template operator()<1, kChains>();
}

static void score_panels(const TreePanel* panel, int panels, const uint8_t* bytes, int rows, int32_t* results) {
  if (panel->row_bytes == 64) return score_all<1, Cells::rows>(panel, panels, bytes, rows, results);
  if (panel->row_bytes == 128) return score_all<2, Cells::rows>(panel, panels, bytes, rows, results);
  if constexpr (Cells::most_quarters > 2) {
    if (panel->row_bytes == 256) return score_all<4, 2>(panel, panels, bytes, rows, results);
    score_all<8, 2>(panel, panels, bytes, rows, results);
  }
}
