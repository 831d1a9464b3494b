#include <algorithm>

#include "kernels/tree/panel.h"

namespace engine {
namespace {

constexpr int kMostLeaves = 64;

// A comparison that rules out leaves of one group.
struct Entry {
  uint8_t column, threshold, mask;
  bool flip;
};

// One tree: its entries by group, its leaves from the left.
struct TreeMasks {
  std::vector<Entry> groups[8];
  std::vector<int32_t> leaves;
};

class PanelPacker {
 public:
  PanelPacker(const Forest& forest, TreePanels* out) : forest_(forest), out_(*out) {}

  bool run() {
    if (forest_.equality || !rank_columns()) return false;
    for (size_t s = 0; s + 1 < forest_.segments.size(); ++s) {
      out_.segments.push_back(int32_t(out_.panels.size()));
      int end = forest_.blocks[size_t(forest_.segments[s + 1])];
      for (int t = forest_.blocks[size_t(forest_.segments[s])]; t < end;) {
        int first = t;
        while (t < end && t - first < kPanelTrees && forest_.target[size_t(t)] == forest_.target[size_t(first)]) ++t;
        if (!add_panel(first, t - first)) return false;
      }
    }
    out_.segments.push_back(int32_t(out_.panels.size()));
    return true;
  }

 private:
  bool rank_columns() {
    size_t columns = forest_.columns.size();
    steps_.resize(columns);
    for (const TreeNode& n : forest_.nodes)
      if (n.delta) steps_[n.column].push_back(n.key);
    int byte_column = 0;
    for (size_t c = 1; c < columns; ++c) {
      std::vector<int32_t>& steps = steps_[c];
      std::sort(steps.begin(), steps.end());
      steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
      size_t bytes = (steps.size() + kPanelStep - 1) / kPanelStep;
      if (byte_column + bytes > kPanelColumns) return false;
      add_rank(steps, byte_column, int(bytes));
      byte_column += int(bytes);
    }
    out_.byte_columns = byte_column;
    return true;
  }

  void add_rank(const std::vector<int32_t>& steps, int first, int bytes) {
    size_t vectors = steps.size() / 16 + 1, pivot_vectors = (vectors + 15) / 16;
    TreeRank rank{uint32_t(out_.steps.size()), 0, uint16_t(pivot_vectors), uint16_t(first), uint16_t(bytes)};
    out_.steps.insert(out_.steps.end(), steps.begin(), steps.end());
    out_.steps.resize(rank.steps + vectors * 16, INT32_MAX);
    rank.pivots = uint32_t(out_.steps.size());
    for (size_t v = 0; v < vectors; ++v) out_.steps.push_back(out_.steps[rank.steps + v * 16 + 15]);
    out_.steps.resize(rank.pivots + pivot_vectors * 16, INT32_MAX);
    out_.ranks.push_back(rank);
  }

  bool add_panel(int first, int count) {
    std::vector<TreeMasks> trees(size_t(count), TreeMasks{});
    size_t leaves = 1;
    for (int t = 0; t < count; ++t) {
      if (!read_tree(first + t, &trees[size_t(t)])) return false;
      leaves = std::max(leaves, trees[size_t(t)].leaves.size());
    }
    TreePanels::Panel panel{first, count, int(leaves + 7) / 8, uint32_t(out_.flips.size()), uint32_t(out_.leaves.size()), {}};
    for (int g = 0; g < panel.groups; ++g) {
      size_t slots = 0;
      for (const TreeMasks& tree : trees) slots = std::max(slots, tree.groups[g].size());
      for (size_t s = 0; s < slots; ++s) add_slot(trees, g, s);
      panel.ends[g] = uint16_t(out_.flips.size() - panel.slot);
    }
    out_.leaves.resize(panel.leaf + size_t(kPanelTrees) * size_t(panel.groups) * 8, 0);
    for (size_t t = 0; t < trees.size(); ++t)
      std::copy(trees[t].leaves.begin(), trees[t].leaves.end(), out_.leaves.begin() + panel.leaf + int64_t(t) * panel.groups * 8);
    out_.panels.push_back(panel);
    return true;
  }

  void add_slot(const std::vector<TreeMasks>& trees, int group, size_t s) {
    size_t at = out_.slots.size();
    out_.slots.resize(at + kSlotBytes, 0);
    uint64_t flips = 0;
    for (size_t t = 0; t < trees.size(); ++t) {
      if (s >= trees[t].groups[group].size()) continue;
      const Entry& e = trees[t].groups[group][s];
      out_.slots[at + t] = e.column;
      out_.slots[at + kPanelTrees + t] = e.threshold;
      out_.slots[at + 2 * kPanelTrees + t] = e.mask;
      flips |= uint64_t(e.flip) << t;
    }
    out_.flips.push_back(flips);
  }

  bool read_tree(int t, TreeMasks* tree) {
    size_t begin = forest_.roots[size_t(t)], end = size_t(t) + 1 < forest_.roots.size() ? forest_.roots[size_t(t) + 1] : forest_.nodes.size();
    if (end - begin > 2 * kMostLeaves - 1) return false;
    const TreeNode* nodes = forest_.nodes.data() + begin;
    uint8_t leaves_below[2 * kMostLeaves];
    for (size_t i = end - begin; i-- > 0;)
      leaves_below[i] = nodes[i].delta ? uint8_t(leaves_below[i + nodes[i].delta] + leaves_below[i + nodes[i].delta + 1]) : 1;
    read_node(nodes, 0, leaves_below, tree);
    return true;
  }

  void read_node(const TreeNode* nodes, size_t i, const uint8_t* leaves_below, TreeMasks* tree) {
    const TreeNode& n = nodes[i];
    if (!n.delta) {
      tree->leaves.push_back(n.key);
      return;
    }
    size_t left = i + n.delta, right = left + 1;
    bool flip = leaves_below[right] < leaves_below[left];
    if (flip) std::swap(left, right);
    add_entries(n, flip, tree->leaves.size(), leaves_below[left], tree);
    read_node(nodes, left, leaves_below, tree);
    read_node(nodes, right, leaves_below, tree);
  }

  // The node rules out `count` leaves from `first` on.
  void add_entries(const TreeNode& n, bool flip, size_t first, size_t count, TreeMasks* tree) const {
    const std::vector<int32_t>& steps = steps_[n.column];
    size_t number = size_t(std::lower_bound(steps.begin(), steps.end(), n.key) - steps.begin());
    uint64_t mask = (count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1) << first;
    uint8_t column = uint8_t(out_.ranks[size_t(n.column) - 1].first + number / kPanelStep);
    for (int g = 0; g < 8; ++g)
      if (uint8_t bits = uint8_t(mask >> (8 * g))) tree->groups[g].push_back({column, uint8_t(number % kPanelStep), bits, flip});
  }

  const Forest& forest_;
  TreePanels& out_;
  std::vector<std::vector<int32_t>> steps_;  // by column
};

}  // namespace

bool pack_panels(const Forest& forest, TreePanels* out) { return PanelPacker(forest, out).run(); }

TreePanel TreePanels::panel(int i) const {
  const Panel& p = panels[size_t(i)];
  return {slots.data() + size_t(p.slot) * kSlotBytes, flips.data() + p.slot, p.ends, leaves.data() + p.leaf, p.groups, byte_columns};
}

}  // namespace engine
