#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <unordered_map>

#include "kernels/tree/forest.h"

namespace engine {

namespace {

constexpr int32_t kNumbers = INT32_MAX - 1;  // every key but that of a greatest NaN
constexpr int32_t kNever = INT32_MIN;        // every key but that of a least NaN is above
constexpr int64_t kBlockBytes = 24 << 10;
constexpr double kSegmentNs = 60e3;
constexpr double kLevelNs = 0.8;

// The greatest float32 that is at most `t`, and the least that is at least `t`.
float round_down(double t) {
  float f = float(t);
  return double(f) > t ? std::nextafter(f, -INFINITY) : f;
}
float round_up(double t) {
  float f = float(t);
  return double(f) < t ? std::nextafter(f, INFINITY) : f;
}

// How a node is packed: the first child is taken when key <= `key` (or ==, for an equality node).
struct Decision {
  int32_t key = 0;
  bool true_first = true;  // on_true is the first child
  bool nan_least = false;
  bool equality = false;
  bool strict = false;  // of columns of float64
  bool ranked = false;  // key is still to come: the threshold's place in its column
  bool fits = true;
};

Decision decide(const TreeNodeSpec& n, bool doubles) {
  Decision d;
  bool nan_threshold = std::isnan(n.threshold), representable = double(float(n.threshold)) == n.threshold;
  switch (n.mode) {
    case TreeMode::leq:
      d.key = nan_threshold ? kNever : tree_key(round_down(n.threshold));
      d.nan_least = n.nan_true;
      break;
    case TreeMode::lt:
      d.key = nan_threshold ? kNever : tree_key(round_up(n.threshold)) - 1;
      d.nan_least = n.nan_true;
      break;
    case TreeMode::gt:
      d.key = nan_threshold ? kNumbers : tree_key(round_down(n.threshold));
      d.true_first = false;
      d.nan_least = !n.nan_true;
      break;
    case TreeMode::gte:
      d.key = nan_threshold ? kNumbers : tree_key(round_up(n.threshold)) - 1;
      d.true_first = false;
      d.nan_least = !n.nan_true;
      break;
    case TreeMode::eq:
    case TreeMode::neq:
      d.equality = true;
      d.true_first = n.mode == TreeMode::eq;
      d.key = representable ? tree_key(float(n.threshold)) : kNumbers;
      d.fits = n.mode == TreeMode::neq || !n.nan_true;  // NaN goes where "unequal" goes
      break;
    default:
      d.fits = false;
  }
  if (doubles) {
    d.strict = n.mode == TreeMode::leq || n.mode == TreeMode::gt;
    d.ranked = !nan_threshold;
    d.fits = d.fits && !d.equality;
  }
  return d;
}

class Packer {
 public:
  Packer(const ForestSpec& spec, bool lists, bool doubles, Forest* out) : spec_(spec), doubles_(doubles), out_(*out) { out_.lists = lists; }

  bool run() {
    out_.columns.push_back({-1, true, false, {}});
    if (!out_.lists && !one_vote_each()) out_.lists = true;
    std::vector<int32_t> order = trees_by_target();
    for (int32_t t : order)
      if (!add_tree(spec_.roots[size_t(t)])) return false;
    if (out_.lists) out_.list_begin.push_back(uint32_t(out_.list_votes.size()));
    rank_thresholds();
    cut();
    return true;
  }

 private:
  // Every leaf has one vote, the leaves of a tree for the same target. Also tells whether all weights are float32.
  bool one_vote_each() {
    tree_target_.assign(spec_.roots.size(), 0);
    std::vector<int32_t> stack;
    for (size_t t = 0; t < spec_.roots.size(); ++t) {
      int32_t target = -1;
      stack.push_back(spec_.roots[t]);
      while (!stack.empty()) {
        const TreeNodeSpec& n = spec_.nodes[size_t(stack.back())];
        stack.pop_back();
        if (n.mode != TreeMode::leaf) {
          stack.push_back(n.on_true);
          stack.push_back(n.on_false);
          continue;
        }
        if (n.votes_end - n.votes_begin != 1) return false;
        const TreeVote& v = spec_.votes[size_t(n.votes_begin)];
        if (target >= 0 && v.target != target) return false;
        wide_ |= double(float(v.weight)) != v.weight;
        target = v.target;
      }
      tree_target_[t] = target;
    }
    return true;
  }

  std::vector<int32_t> trees_by_target() const {
    std::vector<int32_t> order(spec_.roots.size());
    for (size_t t = 0; t < order.size(); ++t) order[t] = int32_t(t);
    if (!out_.lists)
      std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return tree_target_[size_t(a)] < tree_target_[size_t(b)]; });
    return order;
  }

  // Breadth first, siblings side by side; `place` holds the spec's node of each packed one.
  bool add_tree(int32_t root) {
    size_t base = out_.nodes.size();
    std::vector<int32_t>&place = place_, &depth = depth_;
    place.assign(1, root);
    depth.assign(1, 0);
    int32_t most = 0, least = INT32_MAX;
    for (size_t i = 0; i < place.size(); ++i) {
      const TreeNodeSpec& n = spec_.nodes[size_t(place[i])];
      TreeNode packed{};
      if (n.mode == TreeMode::leaf) {
        most = std::max(most, depth[i]);
        least = std::min(least, depth[i]);
        packed.key = leaf_key(n);
      } else {
        Decision d = decide(n, doubles_);
        size_t delta = place.size() - i, column = column_of({n.feature, d.nan_least && !d.equality, d.strict, {}});
        if (!d.fits || delta > UINT16_MAX || column >= kTreeEquality) return false;
        packed = {d.key, uint16_t(column | (d.equality ? kTreeEquality : 0)), uint16_t(delta)};
        out_.equality |= d.equality;
        if (d.ranked) {
          ranked_.push_back({out_.nodes.size(), n.threshold});
          out_.columns[column].steps.push_back(n.threshold);
        }
        place.push_back(d.true_first ? n.on_true : n.on_false);
        place.push_back(d.true_first ? n.on_false : n.on_true);
        depth.insert(depth.end(), 2, depth[i] + 1);
      }
      out_.nodes.push_back(packed);
    }
    if (most > UINT16_MAX || out_.nodes.size() > UINT32_MAX) return false;
    out_.roots.push_back(uint32_t(base));
    out_.depths.push_back(uint16_t(most));
    out_.least.push_back(uint16_t(least));
    out_.target.push_back(out_.lists ? -1 : spec_.votes[size_t(leaf_of(root).votes_begin)].target);
    return true;
  }

  const TreeNodeSpec& leaf_of(int32_t at) const {
    const TreeNodeSpec* n = &spec_.nodes[size_t(at)];
    while (n->mode != TreeMode::leaf) n = &spec_.nodes[size_t(n->on_true)];
    return *n;
  }

  int32_t leaf_key(const TreeNodeSpec& leaf) {
    if (!out_.lists) {
      double weight = spec_.votes[size_t(leaf.votes_begin)].weight;
      if (!wide_) return std::bit_cast<int32_t>(float(weight));
      out_.weights.push_back(weight);
      return int32_t(out_.weights.size() - 1);
    }
    out_.list_begin.push_back(uint32_t(out_.list_votes.size()));
    out_.list_votes.insert(out_.list_votes.end(), spec_.votes.begin() + leaf.votes_begin, spec_.votes.begin() + leaf.votes_end);
    return int32_t(out_.list_begin.size() - 1);
  }

  size_t column_of(const TreeColumn& c) {
    auto [it, added] = column_index_.try_emplace(int64_t(c.feature) * 4 + c.nan_least * 2 + c.strict, out_.columns.size());
    if (added) out_.columns.push_back(c);
    return it->second;
  }

  void rank_thresholds() {
    for (TreeColumn& c : out_.columns) {
      std::sort(c.steps.begin(), c.steps.end());
      c.steps.erase(std::unique(c.steps.begin(), c.steps.end()), c.steps.end());
    }
    for (const Ranked& r : ranked_) {
      TreeNode& node = out_.nodes[r.node];
      const std::vector<double>& steps = out_.columns[node.column].steps;
      node.key = int32_t(std::lower_bound(steps.begin(), steps.end(), r.threshold) - steps.begin());
    }
  }

  // Blocks fit the first-level cache and have one target; segments take about kSegmentNs for kTreeRows rows.
  void cut() {
    int64_t bytes = 0;
    double ns = kSegmentNs;
    for (int t = 0; t < out_.trees(); ++t) {
      size_t at = size_t(t), end = at + 1 < out_.roots.size() ? out_.roots[at + 1] : out_.nodes.size();
      int64_t tree_bytes = int64_t(end - out_.roots[at]) * int64_t(sizeof(TreeNode));
      double tree_ns = kLevelNs * (out_.depths[at] + 2.0);
      bool segment = ns >= kSegmentNs, turn = t > 0 && out_.target[at] != out_.target[at - 1];
      if (segment) {
        out_.segments.push_back(int32_t(out_.blocks.size()));
        ns = 0;
      }
      if (segment || turn || bytes + tree_bytes > kBlockBytes) {
        out_.blocks.push_back(t);
        bytes = 0;
      }
      bytes += tree_bytes;
      ns += tree_ns * kTreeRows;
      out_.ns_per_row += tree_ns;
    }
    out_.segments.push_back(int32_t(out_.blocks.size()));
    out_.blocks.push_back(out_.trees());
  }

  const ForestSpec& spec_;
  bool doubles_;
  Forest& out_;
  std::vector<int32_t> tree_target_;
  bool wide_ = false;  // some weight is no float32
  std::unordered_map<int64_t, size_t> column_index_;  // by feature, nan_least, strict
  std::vector<int32_t> place_, depth_;                 // of add_tree
  struct Ranked {
    size_t node;
    double threshold;
  };
  std::vector<Ranked> ranked_;
};

}  // namespace

bool pack_forest(const ForestSpec& spec, bool lists, bool doubles, Forest* out) { return Packer(spec, lists, doubles, out).run(); }

namespace {

// How many steps are below x (strict) or at most x. Without branches that depend on x.
int32_t rank_of(const TreeColumn& column, double x) {
  const double* first = column.steps.data();
  size_t n = column.steps.size();
  if (n == 0) return 0;
  while (n > 1) {
    size_t half = n / 2;
    bool beyond = column.strict ? first[half - 1] < x : first[half - 1] <= x;
    first += beyond ? half : 0;
    n -= half;
  }
  return int32_t(first - column.steps.data()) + (column.strict ? *first < x : *first <= x);
}

}  // namespace

template <class T>
void tree_keys(const Forest& forest, const T* x, int64_t width, int rows, int stride, int32_t* keys) {
  for (int lane = 0; lane < rows; ++lane) keys[lane] = INT32_MIN;
  for (size_t c = 1; c < forest.columns.size(); ++c) {
    const TreeColumn& column = forest.columns[c];
    int32_t nan = column.nan_least ? INT32_MIN : INT32_MAX;
    for (int lane = 0; lane < rows; ++lane) {
      T value = x[lane * width + column.feature];
      int32_t key;
      if constexpr (std::is_same_v<T, float>) key = tree_key(value);
      else key = rank_of(column, value);
      keys[c * size_t(stride) + size_t(lane)] = std::isnan(value) ? nan : key;
    }
  }
}

template void tree_keys<float>(const Forest&, const float*, int64_t, int, int, int32_t*);
template void tree_keys<double>(const Forest&, const double*, int64_t, int, int, int32_t*);

TreeBlock Forest::block(int first, int end) const {
  const int tree = blocks[size_t(first)];
  return {nodes.data(), roots.data() + tree, depths.data() + tree, least.data() + tree, blocks[size_t(end)] - tree, equality};
}

}  // namespace engine
