// The plain form of rank_keys and score_panel, included by tier files inside namespace engine::<tier>.

static void rank_keys(const TreeRank* ranks, int count, const int32_t* steps, const int32_t* keys, uint8_t* to) {
  for (int c = 0; c < count; ++c) {
    const TreeRank& rank = ranks[c];
    int vectors = 0, below = 0;
    for (int i = 0; i < rank.pivot_vectors * 16; ++i) vectors += steps[rank.pivots + i] < keys[c];
    for (int i = 0; i < 16; ++i) below += steps[rank.steps + vectors * 16 + i] < keys[c];
    below += vectors * 16;
    for (int i = 0; i < rank.bytes; ++i, below -= kPanelStep) to[rank.first + i] = uint8_t(below < 0 ? 0 : below > 255 ? 255 : below);
  }
}

static uint8_t ruled_out(const TreePanel& panel, int group, int tree, const uint8_t* bytes) {
  uint8_t out = 0;
  for (int s = group ? panel.ends[group - 1] : 0; s < panel.ends[group]; ++s) {
    const uint8_t* slot = panel.slots + s * kSlotBytes + tree;
    bool second = bytes[slot[0]] > slot[kPanelTrees];
    if (second != bool((panel.flips[s] >> tree) & 1)) out |= slot[2 * kPanelTrees];
  }
  return out;
}

static int first_leaf(const TreePanel& panel, int tree, const uint8_t* bytes) {
  for (int g = 0; g < panel.groups; ++g) {
    uint8_t out = ruled_out(panel, g, tree, bytes);
    for (int bit = 0; bit < 8; ++bit)
      if (!((out >> bit) & 1)) return g * 8 + bit;
  }
  return 0;
}

static void score_panel(const TreePanel& panel, const uint8_t* bytes, int rows, int32_t* results) {
  for (int row = 0; row < rows; ++row)
    for (int tree = 0; tree < kPanelTrees; ++tree)
      results[row * kPanelTrees + tree] = panel.leaves[tree * panel.groups * 8 + first_leaf(panel, tree, bytes + row * kPanelColumns)];
}
