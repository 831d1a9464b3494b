// A forest as a model file gives it (ForestSpec), checked, and its packed form (Forest).
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "kernels/tree/tree.h"

namespace engine {

enum class TreeMode : uint8_t { leq = 0, lt = 1, gte = 2, gt = 3, eq = 4, neq = 5, member = 6, leaf = 7 };

// A node: an interior one compares x[feature] with threshold and goes on to on_true or on_false (indices of nodes); a NaN goes
// to on_true when nan_true. A leaf has the votes [votes_begin, votes_end).
struct TreeNodeSpec {
  TreeMode mode = TreeMode::leaf;
  bool nan_true = false;
  int32_t feature = 0;
  double threshold = 0;
  int32_t on_true = 0, on_false = 0;
  int32_t members_begin = 0, members_end = 0;  // TreeMode::member: the set is ForestSpec::members of this range
  int32_t votes_begin = 0, votes_end = 0;
};

struct TreeVote {
  int32_t target;
  double weight;
};

struct ForestSpec {
  std::vector<TreeNodeSpec> nodes;
  std::vector<int32_t> roots;
  std::vector<TreeVote> votes;
  std::vector<double> members;
  int32_t targets = 0;
  int64_t features = 0;     // found by check: the highest feature + 1
};

// InvalidModel unless indices are in range, every walk from a root ends at a leaf (no node is reached twice, leaves apart)
// and votes name targets in range. Sets `features`.
Status check_forest(ForestSpec& spec);

// A key column of the packed form: the feature whose value it holds and on which side of all numbers NaN counts.
// Float32 values become their bits in the floats' order; float64 values become their place among the column's thresholds.
struct TreeColumn {
  int32_t feature;
  bool nan_least;             // else greatest
  bool strict;                // float64: the count of thresholds below the value; else of those at most the value
  std::vector<double> steps;  // float64: the thresholds, rising
};

// The packed trees of a forest. Immutable.
struct Forest {
  std::vector<TreeNode> nodes;
  std::vector<uint32_t> roots;
  std::vector<uint16_t> depths, least;
  std::vector<int32_t> target;          // of each tree; -1: leaves hold numbers of lists of votes
  std::vector<TreeColumn> columns;      // column 0 is no feature: its key is always INT32_MIN
  std::vector<int32_t> blocks;          // first tree of each cache-sized block, and at the end the count of trees
  std::vector<int32_t> segments;        // first block of each segment (a bounded amount of work), and the count of blocks
  std::vector<double> weights;          // unless empty: leaves hold numbers of these
  std::vector<uint32_t> list_begin;     // votes of leaf list i: list_votes[list_begin[i] .. list_begin[i + 1])
  std::vector<TreeVote> list_votes;
  bool lists = false, equality = false;
  double ns_per_row = 0;                // of all trees, about

  int trees() const { return int(roots.size()); }
  TreeBlock block(int first, int end) const;  // of the blocks [first, end)
};

// Packs such that every comparison has the outcome it has in the spec, for float32 features (thresholds are rounded) or, with
// `doubles`, float64 features. False when the forest does not fit this form (set membership, equality of float64, too many
// columns, distances beyond 16 bits); use walk_plain then.
// `lists`: votes go to lists even where each leaf has one vote. REQUIRES: check_forest was fine.
bool pack_forest(const ForestSpec& spec, bool lists, bool doubles, Forest* out);

// Keys of `rows` rows of `width` features for all columns: keys[column * stride + row]. T: float, double.
template <class T>
void tree_keys(const Forest& forest, const T* x, int64_t width, int rows, int stride, int32_t* keys);

extern template void tree_keys<float>(const Forest&, const float*, int64_t, int, int, int32_t*);
extern template void tree_keys<double>(const Forest&, const double*, int64_t, int, int, int32_t*);

// The leaf (index of a node) that a row reaches: the plain reference, and the way for forests that do not pack.
// T: float, double. REQUIRES: check_forest was fine; row has spec.features values.
template <class T>
int32_t walk_plain(const ForestSpec& spec, int32_t root, const T* row);

extern template int32_t walk_plain<float>(const ForestSpec&, int32_t, const float*);
extern template int32_t walk_plain<double>(const ForestSpec&, int32_t, const double*);

}  // namespace engine
