// Panels: 64 trees side by side, scored without walking.
//
// The leaves of a tree are numbered from the left, from 0. Between leaf j - 1 and leaf j stands one interior node, number j: its
// first child has the leaves [least, j), its second those from j on. A node of which the second child is taken rules out the
// leaves below its first; the leaf that a walk reaches is the first that no node rules out (Lucchese et al., "QuickScorer", SIGIR 2015).
// With nodes in the order of their numbers that leaf is kept as one number: after node j it is the first of the leaves up to j that
// nodes up to j do not rule out, so it becomes j when node j's second child is taken and it is at least `least`, else it stays.
// Nothing is looked up by where a walk is, so that 64 trees are compared at once: lane i of slot j - 1 is node j of tree i.
//
// Comparisons are between bytes: a byte column of a row holds how many of at most 254 thresholds are below the row's value, so
// that the second child is taken when byte > threshold's number. A feature of more thresholds has several byte columns, and
// one whose NaN go left in some nodes and right in others has them twice.
#pragma once

#include <vector>

#include "kernels/tree/forest.h"

namespace engine {

// All panels of a forest. Immutable.
struct TreePanels {
  std::vector<TreeRank> ranks;
  std::vector<int32_t> float_steps;  // that ranks refer to, one of the two
  std::vector<double> double_steps;
  int row_bytes = 0;                 // 64, 128, 256 or 512

  std::vector<uint8_t> slots;
  std::vector<uint64_t> high;        // of each slot; empty where row_bytes is at most 256
  std::vector<int32_t> leaves;
  std::vector<TreePanel> panels;     // that lie in the three above
  struct Trees {
    int first, count;
  };
  std::vector<Trees> trees;          // of each panel
  std::vector<int32_t> segments;     // first panel of each segment of the forest, and the count of panels

  TreePanels() = default;
  TreePanels(const TreePanels&) = delete;
  TreePanels& operator=(const TreePanels&) = delete;
  int64_t slot_count() const { return int64_t(slots.size()) / kSlotBytes; }
};

// Makes panels of a packed forest; a panel has one target and lies in one segment. False when the forest does not fit: trees of
// more than 256 leaves, nodes that ask for equality, more than 512 byte columns. `doubles`: as the forest was packed.
bool pack_panels(const Forest& forest, bool doubles, TreePanels* out);

}  // namespace engine
