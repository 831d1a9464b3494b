#include "ops/forest/attributes.h"

#include <cmath>
#include <span>
#include <unordered_set>

#include "ops/forest/node_index.h"

namespace engine {
namespace {

constexpr int64_t kMostTargets = int64_t(1) << 20;

Result<TreeMode> mode_from_name(const std::string& name) {
  static constexpr const char* kNames[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT",
                                           "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
  for (int i : {0, 7, 1, 2, 3, 4, 5})
    if (name == kNames[i]) return TreeMode(i);
  return error(Code::InvalidModel, "a tree node has mode '%s'", name.c_str());
}

Result<int32_t> feature_id(int64_t id) {
  if (id < 0 || id >= INT32_MAX) return error(Code::InvalidModel, "a tree node compares feature %lld", (long long)id);
  return int32_t(id);
}

Status check_length(const char* name, size_t found, size_t expected) {
  if (found == expected) return {};
  return error(Code::InvalidModel, "%s has %zu entries; %zu are expected", name, found, expected);
}

Status set_targets(int64_t targets, ForestModel* out) {
  if (targets < 1) return error(Code::InvalidModel, "%lld targets; at least 1 is expected", (long long)targets);
  if (targets > kMostTargets)
    return error(Code::UnsupportedOperator, "%lld targets; at most %lld are supported", (long long)targets, (long long)kMostTargets);
  out->spec.targets = int32_t(targets);
  return {};
}

// The integers of an attribute where they lie.
std::span<const int64_t> ints_of(const InferContext& c, const std::string& name) {
  const Attribute* a = c.attribute(name.c_str());
  return a ? std::span<const int64_t>(a->ints) : std::span<const int64_t>();
}

std::span<const std::string> strings_of(const InferContext& c, const char* name) {
  const Attribute* a = c.attribute(name);
  return a ? std::span<const std::string>(a->strings) : std::span<const std::string>();
}

// Reads nodes_* in the form that numbers nodes by (tree, node).
class NodeReader {
 public:
  NodeReader(const InferContext& c, ForestModel* out) : c_(c), spec_(out->spec) {}

  Status run() {
    trees_ = ints_of(c_, "nodes_treeids");
    nodes_ = ints_of(c_, "nodes_nodeids");
    ENGINE_TRY(check_length("nodes_treeids", trees_.size(), nodes_.size()));
    ENGINE_TRY(number_nodes());
    ENGINE_TRY(read_nodes());
    return find_roots();
  }

  // The node of that tree and number, or -1.
  int32_t find(int64_t tree, int64_t node) { return index_.find(tree, node); }

 private:
  Status number_nodes() {
    if (nodes_.size() > size_t(INT32_MAX) / 4) return error(Code::InvalidModel, "%zu tree nodes are too many", nodes_.size());
    int64_t twice = index_.build(trees_, nodes_);
    if (twice < 0) return {};
    return error(Code::InvalidModel, "tree %lld has two nodes %lld", (long long)trees_[size_t(twice)], (long long)nodes_[size_t(twice)]);
  }

  Status read_nodes() {
    size_t n = nodes_.size();
    std::span<const int64_t> features = ints_of(c_, "nodes_featureids"), on_true = ints_of(c_, "nodes_truenodeids"),
                             on_false = ints_of(c_, "nodes_falsenodeids"), nan_true = ints_of(c_, "nodes_missing_value_tracks_true");
    std::span<const std::string> modes = strings_of(c_, "nodes_modes");
    ENGINE_ASSIGN(std::vector<double> values, forest_numbers(c_, "nodes_values"));
    ENGINE_TRY(check_length("nodes_featureids", features.size(), n));
    ENGINE_TRY(check_length("nodes_truenodeids", on_true.size(), n));
    ENGINE_TRY(check_length("nodes_falsenodeids", on_false.size(), n));
    ENGINE_TRY(check_length("nodes_modes", modes.size(), n));
    ENGINE_TRY(check_length("nodes_values", values.size(), n));
    if (!nan_true.empty()) ENGINE_TRY(check_length("nodes_missing_value_tracks_true", nan_true.size(), n));
    spec_.nodes.resize(n);
    for (size_t i = 0; i < n; ++i) {
      TreeNodeSpec& node = spec_.nodes[i];
      ENGINE_ASSIGN(node.mode, mode_from_name(modes[i]));
      if (node.mode == TreeMode::leaf) continue;
      ENGINE_ASSIGN(node.feature, feature_id(features[i]));
      node.threshold = values[i];
      node.nan_true = !nan_true.empty() && nan_true[i] != 0;
      node.on_true = find(trees_[i], on_true[i]);
      node.on_false = find(trees_[i], on_false[i]);
      if (node.on_true < 0 || node.on_false < 0)
        return error(Code::InvalidModel, "node %lld of tree %lld goes on to node %lld, which does not exist", (long long)nodes_[i],
                     (long long)trees_[i], (long long)(node.on_true < 0 ? on_true[i] : on_false[i]));
    }
    return {};
  }

  // A tree's root is the node that no other leads to; trees keep the order in which they begin.
  Status find_roots() {
    std::vector<char> child(spec_.nodes.size(), 0);
    for (const TreeNodeSpec& n : spec_.nodes)
      if (n.mode != TreeMode::leaf) child[size_t(n.on_true)] = child[size_t(n.on_false)] = 1;
    std::unordered_set<int64_t> rooted;
    for (size_t i = 0; i < spec_.nodes.size(); ++i) {
      if (child[i]) continue;
      if (!rooted.insert(trees_[i]).second) return error(Code::InvalidModel, "tree %lld has two roots", (long long)trees_[i]);
      spec_.roots.push_back(int32_t(i));
    }
    return check_reached();
  }

  // Nodes that no root leads to are cycles.
  Status check_reached() const {
    std::vector<char> reached(spec_.nodes.size(), 0);
    std::vector<int32_t> stack = spec_.roots;
    while (!stack.empty()) {
      int32_t i = stack.back();
      stack.pop_back();
      if (reached[size_t(i)]++) return error(Code::InvalidModel, "node %lld of tree %lld is reached twice", (long long)nodes_[size_t(i)], (long long)trees_[size_t(i)]);
      const TreeNodeSpec& n = spec_.nodes[size_t(i)];
      if (n.mode == TreeMode::leaf) continue;
      stack.push_back(n.on_true);
      stack.push_back(n.on_false);
    }
    for (size_t i = 0; i < reached.size(); ++i)
      if (!reached[i]) return error(Code::InvalidModel, "node %lld of tree %lld is part of a cycle", (long long)nodes_[i], (long long)trees_[i]);
    return {};
  }

  const InferContext& c_;
  ForestSpec& spec_;
  std::span<const int64_t> trees_, nodes_;
  TreeNodeIndex index_;
};

// Votes sorted by the leaf that they belong to.
Status read_votes(const InferContext& c, const std::string& prefix, NodeReader& nodes, ForestSpec* spec) {
  std::span<const int64_t> ids = ints_of(c, prefix + "_ids"), trees = ints_of(c, prefix + "_treeids"),
                           node_ids = ints_of(c, prefix + "_nodeids");
  ENGINE_ASSIGN(std::vector<double> weights, forest_numbers(c, prefix + "_weights"));
  for (size_t n : {trees.size(), node_ids.size(), weights.size()}) ENGINE_TRY(check_length((prefix + "_*").c_str(), n, ids.size()));
  std::vector<int32_t> leaf(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    leaf[i] = nodes.find(trees[i], node_ids[i]);
    if (leaf[i] < 0 || ids[i] < 0 || ids[i] >= spec->targets)
      return error(Code::InvalidModel, "vote %zu is for target %lld at node %lld of tree %lld, which does not exist", i, (long long)ids[i],
                   (long long)node_ids[i], (long long)trees[i]);
    TreeNodeSpec& n = spec->nodes[size_t(leaf[i])];
    if (n.mode == TreeMode::leaf) ++n.votes_end;
  }
  int32_t begin = 0;
  for (TreeNodeSpec& n : spec->nodes) {
    n.votes_begin = begin;
    begin += n.votes_end;
    n.votes_end = n.votes_begin;
  }
  spec->votes.resize(size_t(begin));
  for (size_t i = 0; i < ids.size(); ++i) {
    TreeNodeSpec& n = spec->nodes[size_t(leaf[i])];
    if (n.mode == TreeMode::leaf) spec->votes[size_t(n.votes_end++)] = {int32_t(ids[i]), weights[i]};
  }
  return {};
}

// Reads TreeEnsemble's nodes_* and leaf_*: interior nodes come first in spec.nodes, then the leaves.
class NodeReader5 {
 public:
  NodeReader5(const InferContext& c, ForestModel* out) : c_(c), spec_(out->spec) {}

  Status run() {
    const Tensor* modes = c_.attr_tensor("nodes_modes");
    const Tensor* splits = c_.attr_tensor("nodes_splits");
    const Tensor* weights = c_.attr_tensor("leaf_weights");
    if (!modes || !splits || !weights) return error(Code::InvalidModel, "nodes_modes, nodes_splits and leaf_weights are needed");
    if (!contains(dtypes::kIntegers, modes->dtype) || !contains(dtypes::kFloats, splits->dtype) || !contains(dtypes::kFloats, weights->dtype))
      return error(Code::InvalidModel, "nodes_modes is %s, nodes_splits %s, leaf_weights %s", dtype_name(modes->dtype),
                   dtype_name(splits->dtype), dtype_name(weights->dtype));
    interior_ = splits->elements();
    leaves_ = weights->elements();
    if (interior_ + leaves_ > INT32_MAX / 4) return error(Code::InvalidModel, "%lld tree nodes are too many", (long long)(interior_ + leaves_));
    spec_.nodes.resize(size_t(interior_ + leaves_));
    ENGINE_TRY(check_length("nodes_modes", size_t(modes->elements()), size_t(interior_)));
    ENGINE_TRY(read_interior(*modes, *splits));
    ENGINE_TRY(read_members());
    ENGINE_TRY(read_leaves(*weights));
    for (int64_t root : ints_of(c_, "tree_roots")) {
      if (root < 0 || root >= interior_)
        return error(Code::InvalidModel, "tree_roots names node %lld; there are %lld", (long long)root, (long long)interior_);
      spec_.roots.push_back(int32_t(root));
    }
    return {};
  }

 private:
  Status read_interior(const Tensor& modes, const Tensor& splits) {
    std::span<const int64_t> features = ints_of(c_, "nodes_featureids"), on_true = ints_of(c_, "nodes_truenodeids"),
                             on_false = ints_of(c_, "nodes_falsenodeids"), true_leaf = ints_of(c_, "nodes_trueleafs"),
                             false_leaf = ints_of(c_, "nodes_falseleafs"), nan_true = ints_of(c_, "nodes_missing_value_tracks_true");
    size_t n = size_t(interior_);
    ENGINE_TRY(check_length("nodes_featureids", features.size(), n));
    ENGINE_TRY(check_length("nodes_truenodeids", on_true.size(), n));
    ENGINE_TRY(check_length("nodes_falsenodeids", on_false.size(), n));
    ENGINE_TRY(check_length("nodes_trueleafs", true_leaf.size(), n));
    ENGINE_TRY(check_length("nodes_falseleafs", false_leaf.size(), n));
    if (!nan_true.empty()) ENGINE_TRY(check_length("nodes_missing_value_tracks_true", nan_true.size(), n));
    for (size_t i = 0; i < n; ++i) {
      TreeNodeSpec& node = spec_.nodes[i];
      int64_t mode = integer_at(modes, int64_t(i));
      if (mode < 0 || mode > 6) return error(Code::InvalidModel, "nodes_modes[%zu] is %lld; 0 to 6 are allowed", i, (long long)mode);
      node.mode = TreeMode(mode);
      ENGINE_ASSIGN(node.feature, feature_id(features[i]));
      node.threshold = number_at(splits, int64_t(i));
      node.nan_true = !nan_true.empty() && nan_true[i] != 0;
      ENGINE_ASSIGN(node.on_true, child(on_true[i], true_leaf[i] != 0));
      ENGINE_ASSIGN(node.on_false, child(on_false[i], false_leaf[i] != 0));
    }
    return {};
  }

  Result<int32_t> child(int64_t id, bool leaf) const {
    int64_t count = leaf ? leaves_ : interior_;
    if (id < 0 || id >= count)
      return error(Code::InvalidModel, "a tree node goes on to %s %lld; there are %lld", leaf ? "leaf" : "node", (long long)id, (long long)count);
    return int32_t(leaf ? interior_ + id : id);
  }

  // One set after the other, each ended by a NaN, for the nodes of mode BRANCH_MEMBER in order.
  Status read_members() {
    const Tensor* values = c_.attr_tensor("membership_values");
    int64_t at = 0, count = values ? values->elements() : 0;
    if (values && !contains(dtypes::kFloats, values->dtype))
      return error(Code::InvalidModel, "membership_values is %s", dtype_name(values->dtype));
    for (int64_t i = 0; i < interior_; ++i) {
      TreeNodeSpec& node = spec_.nodes[size_t(i)];
      if (node.mode != TreeMode::member) continue;
      if (at >= count) return error(Code::InvalidModel, "membership_values has fewer sets than there are nodes of mode BRANCH_MEMBER");
      node.members_begin = int32_t(spec_.members.size());
      for (; at < count && !std::isnan(number_at(*values, at)); ++at) spec_.members.push_back(number_at(*values, at));
      ++at;
      node.members_end = int32_t(spec_.members.size());
    }
    return {};
  }

  Status read_leaves(const Tensor& weights) {
    std::span<const int64_t> targets = ints_of(c_, "leaf_targetids");
    ENGINE_TRY(check_length("leaf_targetids", targets.size(), size_t(leaves_)));
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i] < 0 || targets[i] >= spec_.targets)
        return error(Code::InvalidModel, "leaf %zu votes for target %lld; there are %d", i, (long long)targets[i], spec_.targets);
      TreeNodeSpec& leaf = spec_.nodes[size_t(interior_) + i];
      leaf.mode = TreeMode::leaf;
      leaf.votes_begin = int32_t(i);
      leaf.votes_end = int32_t(i) + 1;
      spec_.votes.push_back({int32_t(targets[i]), number_at(weights, int64_t(i))});
    }
    return {};
  }

  const InferContext& c_;
  ForestSpec& spec_;
  int64_t interior_ = 0, leaves_ = 0;
};

}  // namespace

Result<std::vector<double>> forest_numbers(const InferContext& c, const std::string& name) {
  std::vector<double> out;
  if (const Attribute* a = c.attribute(name.c_str())) out.assign(a->floats.begin(), a->floats.end());
  const Tensor* t = out.empty() ? c.attr_tensor((name + "_as_tensor").c_str()) : nullptr;
  if (!t) return out;
  if (!contains(dtypes::kFloats, t->dtype)) return error(Code::InvalidModel, "%s_as_tensor is %s", name.c_str(), dtype_name(t->dtype));
  out.reserve(size_t(t->elements()));
  for (int64_t i = 0; i < t->elements(); ++i) out.push_back(number_at(*t, i));
  return out;
}

Status read_forest(const InferContext& c, const std::string& prefix, int64_t targets, ForestModel* out) {
  ENGINE_TRY(set_targets(targets, out));
  NodeReader nodes(c, out);
  ENGINE_TRY(nodes.run());
  ENGINE_TRY(read_votes(c, prefix, nodes, &out->spec));
  ENGINE_ASSIGN(out->base, forest_numbers(c, "base_values"));
  return {};
}

Status read_forest_5(const InferContext& c, ForestModel* out) {
  ENGINE_TRY(set_targets(c.attr_int("n_targets", 1), out));
  int64_t aggregate = c.attr_int("aggregate_function", 1);
  if (aggregate < 0 || aggregate > 3) return error(Code::InvalidModel, "aggregate_function is %lld; 0 to 3 are allowed", (long long)aggregate);
  out->aggregate = TreeAggregate(aggregate);
  return NodeReader5(c, out).run();
}

}  // namespace engine
