// Panels of trees on neon against the plain walk.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

#include "kernels/tree/panel.h"

namespace engine::neon {
extern const TreeKernels tree_table;
}

using namespace engine;

namespace {

std::mt19937 numbers(7);
std::normal_distribution<double> normal;

double any_value() {
  const unsigned kind = numbers() % 20;
  return kind == 0 ? NAN : kind == 1 ? INFINITY : double(float(normal(numbers)));
}

void add_tree(ForestSpec& s, int leaves, int features) {
  std::vector<int32_t> open{int32_t(s.nodes.size())};
  s.roots.push_back(open[0]);
  s.nodes.push_back({});
  while (int(open.size()) < leaves) {
    const size_t at = numbers() % open.size();
    const int32_t child = int32_t(s.nodes.size());
    s.nodes.resize(s.nodes.size() + 2);
    TreeNodeSpec& n = s.nodes[size_t(open[at])];
    n.mode = TreeMode(numbers() % 4), n.nan_true = numbers() % 2, n.feature = int32_t(numbers() % unsigned(features));
    n.threshold = float(normal(numbers)), n.on_true = child, n.on_false = child + 1;
    open[at] = child;
    open.push_back(child + 1);
  }
  for (int32_t leaf : open) {
    s.nodes[size_t(leaf)].votes_begin = int32_t(s.votes.size());
    s.votes.push_back({0, float(normal(numbers))});
    s.nodes[size_t(leaf)].votes_end = int32_t(s.votes.size());
  }
}

struct Counts {
  long leaves = 0, wrong = 0, forests = 0;
};

template <class T>
void check_rows(const ForestSpec& s, const TreePanels& p, int features, int rows, Counts* counts) {
  constexpr bool kDoubles = sizeof(T) == 8;
  const TreeKernels& k = neon::tree_table;
  std::vector<T> x(size_t(rows * features));
  for (T& v : x) v = T(any_value());
  std::vector<uint8_t> bytes(size_t(rows * p.row_bytes));
  for (int r = 0; r < rows; ++r) {
    const T* row = x.data() + r * features;
    uint8_t* to = bytes.data() + r * p.row_bytes;
    if constexpr (kDoubles) k.rank_doubles(p.ranks.data(), int(p.ranks.size()), p.double_steps.data(), row, to);
    else k.rank_floats(p.ranks.data(), int(p.ranks.size()), p.float_steps.data(), row, to);
  }
  std::vector<int32_t> results(size_t(kPanelsAtOnce * rows * kPanelTrees));
  for (size_t first = 0; first < p.panels.size(); first += kPanelsAtOnce) {
    const int count = int(std::min<size_t>(kPanelsAtOnce, p.panels.size() - first));
    k.score_panels(&p.panels[first], count, bytes.data(), rows, results.data());
    for (int i = 0; i < count * rows; ++i)
      for (int t = 0; t < p.trees[first + size_t(i / rows)].count; ++t) {
        const int32_t root = s.roots[size_t(p.trees[first + size_t(i / rows)].first + t)];
        const int32_t leaf = walk_plain(s, root, x.data() + i % rows * features);
        float got;
        std::memcpy(&got, &results[size_t(i * kPanelTrees + t)], 4);
        ++counts->leaves;
        counts->wrong += got != float(s.votes[size_t(s.nodes[size_t(leaf)].votes_begin)].weight);
      }
  }
}

void check(bool doubles, int features, int leaves, int trees, Counts* counts) {
  ForestSpec s;
  s.targets = 1;
  for (int t = 0; t < trees; ++t) add_tree(s, leaves, features);
  Forest forest;
  TreePanels panels;
  if (!check_forest(s).ok() || !pack_forest(s, false, doubles, &forest) || !pack_panels(forest, doubles, &panels)) return;
  if (panels.row_bytes > 128) return;
  ++counts->forests;
  for (int rows : {1, 2, 3, 8}) doubles ? check_rows<double>(s, panels, features, rows, counts) : check_rows<float>(s, panels, features, rows, counts);
}

}  // namespace

int main() {
  Counts counts;
  for (bool doubles : {false, true})
    for (int features : {5, 30, 60})
      for (int leaves : {1, 2, 17, 63, 256})
        for (int trees : {30, 64, 330}) check(doubles, features, leaves, trees, &counts);
  std::printf("%ld forests, %ld leaves, %ld wrong\n", counts.forests, counts.leaves, counts.wrong);
  return counts.wrong != 0 || counts.forests < 30;
}
