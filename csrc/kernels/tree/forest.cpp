#include "kernels/tree/forest.h"

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

Status check_node(const ForestSpec& spec, int32_t i) {
  const TreeNodeSpec& n = spec.nodes[size_t(i)];
  int32_t count = int32_t(spec.nodes.size());
  if (n.mode == TreeMode::leaf) {
    for (int32_t v = n.votes_begin; v < n.votes_end; ++v)
      if (spec.votes[size_t(v)].target < 0 || spec.votes[size_t(v)].target >= spec.targets)
        return error(Code::InvalidModel, "a leaf of the tree votes for target %d; there are %d", spec.votes[size_t(v)].target, spec.targets);
    return {};
  }
  for (int32_t child : {n.on_true, n.on_false})
    if (child < 0 || child >= count) return error(Code::InvalidModel, "tree node %d has child %d; there are %d nodes", i, child, count);
  if (n.feature < 0) return error(Code::InvalidModel, "tree node %d compares feature %d", i, n.feature);
  return {};
}

template <class T>
bool is_member(const ForestSpec& spec, const TreeNodeSpec& n, T x) {
  for (int32_t m = n.members_begin; m < n.members_end; ++m)
    if (T(spec.members[size_t(m)]) == x) return true;
  return false;
}

template <class T>
bool decides_true(const ForestSpec& spec, const TreeNodeSpec& n, T x) {
  if (n.nan_true && std::isnan(x)) return true;
  double v = double(x);
  switch (n.mode) {
    case TreeMode::leq: return v <= n.threshold;
    case TreeMode::lt: return v < n.threshold;
    case TreeMode::gte: return v >= n.threshold;
    case TreeMode::gt: return v > n.threshold;
    case TreeMode::eq: return v == n.threshold;
    case TreeMode::neq: return v != n.threshold;
    default: return is_member(spec, n, x);
  }
}

}  // namespace

Status check_forest(ForestSpec& spec) {
  if (spec.nodes.size() > size_t(INT32_MAX) / 4) return error(Code::InvalidModel, "%zu tree nodes are too many", spec.nodes.size());
  std::vector<char> seen(spec.nodes.size(), 0);
  std::vector<int32_t> stack;
  spec.features = 0;
  for (int32_t root : spec.roots) {
    if (root < 0 || size_t(root) >= spec.nodes.size())
      return error(Code::InvalidModel, "a tree begins at node %d; there are %zu", root, spec.nodes.size());
    stack.push_back(root);
    while (!stack.empty()) {
      int32_t i = stack.back();
      stack.pop_back();
      const TreeNodeSpec& n = spec.nodes[size_t(i)];
      ENGINE_TRY(check_node(spec, i));
      if (n.mode == TreeMode::leaf) continue;
      if (seen[size_t(i)]++) return error(Code::InvalidModel, "tree node %d is reached twice: the tree has a cycle or a shared part", i);
      spec.features = std::max<int64_t>(spec.features, int64_t(n.feature) + 1);
      stack.push_back(n.on_true);
      stack.push_back(n.on_false);
    }
  }
  return {};
}

template <class T>
int32_t walk_plain(const ForestSpec& spec, int32_t root, const T* row) {
  int32_t at = root;
  for (;;) {
    const TreeNodeSpec& n = spec.nodes[size_t(at)];
    if (n.mode == TreeMode::leaf) return at;
    at = decides_true(spec, n, row[n.feature]) ? n.on_true : n.on_false;
  }
}

template int32_t walk_plain<float>(const ForestSpec&, int32_t, const float*);
template int32_t walk_plain<double>(const ForestSpec&, int32_t, const double*);

}  // namespace engine
