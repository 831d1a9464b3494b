#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/tree/panel.h"

namespace engine {
namespace {

constexpr int kMostLeaves = 256;
constexpr uint8_t kNoByte = 255;  // a threshold that no byte exceeds

// An interior node.
struct Entry {
  uint16_t column;
  uint8_t threshold, least;
};

// One tree: its interior nodes and its leaves, both from the left.
struct TreeEntries {
  std::vector<Entry> nodes;
  std::vector<int32_t> leaves;
};

class PanelPacker {
 public:
  PanelPacker(const Forest& forest, bool doubles, TreePanels* out) : forest_(forest), doubles_(doubles), out_(*out) {}

  bool run() {
    if (forest_.equality) return false;
    for (size_t t = 0; t < forest_.roots.size(); ++t)
      if (tree_end(t) - forest_.roots[t] > 2 * kMostLeaves - 1) return false;
    if (!rank_columns()) return false;
    for (size_t s = 0; s + 1 < forest_.segments.size(); ++s) {
      out_.segments.push_back(int32_t(out_.trees.size()));
      int end = forest_.blocks[size_t(forest_.segments[s + 1])];
      for (int t = forest_.blocks[size_t(forest_.segments[s])]; t < end;) {
        int first = t;
        while (t < end && t - first < kPanelTrees && forest_.target[size_t(t)] == forest_.target[size_t(first)]) ++t;
        add_panel(first, t - first);
      }
    }
    out_.segments.push_back(int32_t(out_.trees.size()));
    point_panels();
    return true;
  }

 private:
  // Byte columns of the nodes with one forest column.
  struct Column {
    size_t axis = 0;
    int first = 0;
  };

  // What is compared: a feature, on which side equality counts.
  struct Axis {
    TreeRank rank;
    std::vector<double> steps;
    bool sides[2] = {false, false};  // some column has NaN greatest, least
  };

  bool rank_columns() {
    columns_.resize(forest_.columns.size());
    std::map<std::pair<int32_t, bool>, size_t> index;
    for (size_t c = 1; c < columns_.size(); ++c) {
      const TreeColumn& column = forest_.columns[c];
      auto [it, added] = index.try_emplace({column.feature, column.strict}, axes_.size());
      if (added) axes_.push_back({{column.feature, 0, 0, 0, 0, -1, -1, column.strict}, {}});
      columns_[c].axis = it->second;
      axes_[it->second].sides[column.nan_least] = true;
    }
    if (!collect_steps()) return false;
    int byte_columns = 0;
    for (Axis& axis : axes_) byte_columns = add_rank(axis, byte_columns);
    if (byte_columns > kPanelColumns) return false;
    for (size_t c = 1; c < columns_.size(); ++c) {
      const TreeRank& rank = axes_[columns_[c].axis].rank;
      columns_[c].first = forest_.columns[c].nan_least ? rank.nan_least : rank.nan_greatest;
    }
    out_.row_bytes = 64;
    while (out_.row_bytes < byte_columns) out_.row_bytes *= 2;
    return true;
  }

  bool collect_steps() {
    for (const TreeNode& n : forest_.nodes) {
      if (!n.delta) continue;
      if (doubles_ && (n.key < 0 || size_t(n.key) >= forest_.columns[n.column].steps.size())) return false;
      axes_[columns_[n.column].axis].steps.push_back(step_of(n));
    }
    for (Axis& axis : axes_) {
      std::sort(axis.steps.begin(), axis.steps.end());
      axis.steps.erase(std::unique(axis.steps.begin(), axis.steps.end()), axis.steps.end());
      if (axis.steps.size() > size_t(kPanelColumns) * kPanelStep) return false;
    }
    return true;
  }

  double step_of(const TreeNode& n) const { return doubles_ ? forest_.columns[n.column].steps[size_t(n.key)] : double(n.key); }

  // Returns the first byte column that is free after this axis.
  int add_rank(Axis& axis, int byte_columns) {
    TreeRank& rank = axis.rank;
    rank.bytes = uint16_t((axis.steps.size() + kPanelStep - 1) / kPanelStep);
    for (int side = 0; side < 2; ++side) {
      if (!axis.sides[side]) continue;
      (side ? rank.nan_least : rank.nan_greatest) = int16_t(std::min(byte_columns, kPanelColumns));
      byte_columns += rank.bytes;
    }
    if (doubles_) add_steps(axis.steps, std::nan(""), &rank, &out_.double_steps);
    else add_steps(axis.steps, INT32_MAX, &rank, &out_.float_steps);
    out_.ranks.push_back(rank);
    return byte_columns;
  }

  template <class T>
  static void add_steps(const std::vector<double>& steps, T fill, TreeRank* rank, std::vector<T>* out) {
    constexpr size_t kVector = 64 / sizeof(T);
    size_t vectors = steps.size() / kVector + 1, pivot_vectors = (vectors + kVector - 1) / kVector;
    rank->steps = uint32_t(out->size());
    rank->pivot_vectors = uint16_t(pivot_vectors);
    for (double step : steps) out->push_back(T(step));
    out->resize(rank->steps + vectors * kVector, fill);
    rank->pivots = uint32_t(out->size());
    for (size_t v = 0; v < vectors; ++v) out->push_back((*out)[rank->steps + v * kVector + kVector - 1]);
    out->resize(rank->pivots + pivot_vectors * kVector, fill);
  }

  size_t tree_end(size_t t) const { return t + 1 < forest_.roots.size() ? forest_.roots[t + 1] : forest_.nodes.size(); }

  void add_panel(int first, int count) {
    std::vector<TreeEntries> trees(size_t(count), TreeEntries{});
    size_t leaves = 1;
    for (int t = 0; t < count; ++t) {
      read_tree(size_t(first + t), &trees[size_t(t)]);
      leaves = std::max(leaves, trees[size_t(t)].leaves.size());
    }
    leaves_.push_back(int(leaves));
    for (size_t s = 0; s + 1 < leaves; ++s) add_slot(trees, s);
    size_t at = out_.leaves.size();
    out_.leaves.resize(at + size_t(kPanelTrees) * leaves, 0);
    for (size_t t = 0; t < trees.size(); ++t)
      std::copy(trees[t].leaves.begin(), trees[t].leaves.end(), out_.leaves.begin() + int64_t(at + t * leaves));
    out_.trees.push_back({first, count});
  }

  void point_panels() {
    const uint8_t* slots = out_.slots.data();
    const uint64_t* high = out_.high.empty() ? nullptr : out_.high.data();
    const int32_t* leaves_at = out_.leaves.data();
    for (int leaves : leaves_) {
      out_.panels.push_back({slots, high, leaves_at, leaves, out_.row_bytes});
      slots += (leaves - 1) * kSlotBytes;
      if (high) high += leaves - 1;
      leaves_at += leaves * kPanelTrees;
    }
  }

  void add_slot(const std::vector<TreeEntries>& trees, size_t s) {
    size_t at = out_.slots.size();
    out_.slots.resize(at + kSlotBytes, 0);
    std::fill_n(out_.slots.begin() + int64_t(at + kPanelTrees), kPanelTrees, kNoByte);
    uint64_t high = 0;
    for (size_t t = 0; t < trees.size(); ++t) {
      if (s >= trees[t].nodes.size()) continue;
      const Entry& e = trees[t].nodes[s];
      out_.slots[at + t] = uint8_t(e.column);
      out_.slots[at + kPanelTrees + t] = e.threshold;
      out_.slots[at + 2 * kPanelTrees + t] = e.least;
      high |= uint64_t(e.column >> 8) << t;
    }
    if (out_.row_bytes > 256) out_.high.push_back(high);
  }

  void read_tree(size_t t, TreeEntries* tree) const { read_node(forest_.nodes.data() + forest_.roots[t], tree); }

  void read_node(const TreeNode* n, TreeEntries* tree) const {
    if (!n->delta) {
      tree->leaves.push_back(n->key);
      return;
    }
    size_t least = tree->leaves.size();
    read_node(n + n->delta, tree);
    tree->nodes.push_back(entry_of(*n, least));
    read_node(n + n->delta + 1, tree);
  }

  Entry entry_of(const TreeNode& n, size_t least) const {
    const Column& of = columns_[n.column];
    const std::vector<double>& steps = axes_[of.axis].steps;
    size_t number = size_t(std::lower_bound(steps.begin(), steps.end(), step_of(n)) - steps.begin());
    return {uint16_t(size_t(of.first) + number / kPanelStep), uint8_t(number % kPanelStep), uint8_t(least)};
  }

  const Forest& forest_;
  bool doubles_;
  TreePanels& out_;
  std::vector<Column> columns_;
  std::vector<Axis> axes_;
  std::vector<int> leaves_;  // of each panel
};

}  // namespace

bool pack_panels(const Forest& forest, bool doubles, TreePanels* out) { return PanelPacker(forest, doubles, out).run(); }

}  // namespace engine
