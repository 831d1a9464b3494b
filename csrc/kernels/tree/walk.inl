// Width-generic walking, included by tier files inside namespace engine::<tier>.

template <bool Equality>
static inline uint32_t step(TreeNode node, const int32_t* keys, int stride, int lane) {
  if constexpr (Equality) {
    int32_t key = keys[(node.column & 0x7fff) * stride + lane];
    uint32_t other = (node.column & kTreeEquality) ? uint32_t(key != node.key) : uint32_t(key > node.key);
    return node.delta + other;
  } else {
    return node.delta + uint32_t(keys[node.column * stride + lane] > node.key);
  }
}

// One level for Lanes walks: their nodes are at[lane]; true while one of them is not at a leaf.
template <bool Equality, int Lanes, int Stride, bool Rows>
static inline uint32_t level(const TreeNode* nodes, const int32_t* keys, uint32_t* at) {
  uint32_t moved = 0;
#pragma GCC unroll 16
  for (int lane = 0; lane < Lanes; ++lane) {
    TreeNode node = nodes[at[lane]];
    moved |= node.delta;
    at[lane] += step<Equality>(node, keys, Stride, Rows ? lane : 0);
  }
  return moved;
}

template <bool Equality, int Lanes, int Stride, bool Rows>
static inline void walk(const TreeNode* nodes, const int32_t* keys, uint32_t* at, int least, int most) {
  for (int d = 0; d < least; ++d) level<Equality, Lanes, Stride, Rows>(nodes, keys, at);
  for (int d = least; d < most; d += 2) {
    uint32_t moved = level<Equality, Lanes, Stride, Rows>(nodes, keys, at);
    moved |= level<Equality, Lanes, Stride, Rows>(nodes, keys, at);
    if (!moved) break;
  }
}

template <bool Equality>
static void walk_rows_as(const TreeBlock& block, const int32_t* keys, int32_t* results) {
  for (int t = 0; t < block.count; ++t) {
    const TreeNode* nodes = block.nodes + block.roots[t];
    uint32_t at[kTreeRows] = {};
    walk<Equality, kTreeRows, kTreeRows, true>(nodes, keys, at, block.least[t], block.depths[t]);
    for (int lane = 0; lane < kTreeRows; ++lane) results[t * kTreeRows + lane] = nodes[at[lane]].key;
  }
}

template <bool Equality>
static void walk_row_as(const TreeBlock& block, const int32_t* keys, int32_t* results) {
  int t = 0;
  for (; t + 8 <= block.count; t += 8) {
    uint32_t at[8];
    int least = block.least[t], most = block.depths[t];
    for (int lane = 0; lane < 8; ++lane) {
      at[lane] = block.roots[t + lane];
      least = block.least[t + lane] < least ? block.least[t + lane] : least;
      most = block.depths[t + lane] > most ? block.depths[t + lane] : most;
    }
    walk<Equality, 8, 1, false>(block.nodes, keys, at, least, most);
    for (int lane = 0; lane < 8; ++lane) results[t + lane] = block.nodes[at[lane]].key;
  }
  for (; t < block.count; ++t) {
    uint32_t at = block.roots[t];
    walk<Equality, 1, 1, false>(block.nodes, keys, &at, block.least[t], block.depths[t]);
    results[t] = block.nodes[at].key;
  }
}

static void walk_rows(const TreeBlock& block, const int32_t* keys, int32_t* results) {
  if (block.equality) walk_rows_as<true>(block, keys, results);
  else walk_rows_as<false>(block, keys, results);
}

static void walk_row(const TreeBlock& block, const int32_t* keys, int32_t* results) {
  if (block.equality) walk_row_as<true>(block, keys, results);
  else walk_row_as<false>(block, keys, results);
}

static inline float weight_of(int32_t bits) {
  float f;
  ::memcpy(&f, &bits, 4);
  return f;
}

static void sum_rows(const int32_t* results, int first, int count, double* sums) {
  for (int t = 0; t < count; ++t) {
    double* sum = sums + ((first + t) % kTreeSums) * kTreeRows;
    for (int lane = 0; lane < kTreeRows; ++lane) sum[lane] += double(weight_of(results[t * kTreeRows + lane]));
  }
}

static void sum_row(const int32_t* results, int first, int count, double* sums) {
  int t = 0;
  for (; t < count && (first + t) % kTreeSums != 0; ++t) sums[(first + t) % kTreeSums] += double(weight_of(results[t]));
  double all[kTreeSums];
  ::memcpy(all, sums, sizeof all);
  for (; t + kTreeSums <= count; t += kTreeSums) {
    float weights[kTreeSums];
    ::memcpy(weights, results + t, sizeof weights);
    for (int k = 0; k < kTreeSums; ++k) all[k] += double(weights[k]);
  }
  for (int k = 0; t < count; ++t, ++k) all[k] += double(weight_of(results[t]));
  ::memcpy(sums, all, sizeof all);
}
