// Panels: 64 trees side by side, scored by leaf masks.
//
// A tree of at most 64 leaves holds a bit for each, in order from the left; siblings are ordered such that the smaller subtree
// is left. A node of which the right child is taken rules out the leaves below its left child; when every node of the tree
// has been looked at, in any order, the first leaf that is left is the one that a walk reaches. Nodes need not wait for each
// other, so 64 trees are compared at once: lane i of a slot is a comparison of tree i. The leaves of a tree are eight groups
// of eight; a node that rules out leaves of several groups has a slot in each.
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
  std::vector<TreeSlotBits> bits;
  std::vector<int32_t> leaves;
  struct Panel {
    int first, count;                // trees
    int groups;
    uint32_t slot, leaf;             // its first in slots (and bits), leaves
    uint16_t ends[8];                // slots of group g: [ends[g - 1], ends[g])
  };
  std::vector<Panel> panels;
  std::vector<int32_t> segments;     // first panel of each segment of the forest, and the count of panels

  int64_t slot_count() const { return int64_t(bits.size()); }
  TreePanel panel(int i) const;
};

// Makes panels of a packed forest; a panel has one target and lies in one segment. False when the forest does not fit: trees of
// more than 64 leaves, nodes that ask for equality, more than 512 byte columns. `doubles`: as the forest was packed.
bool pack_panels(const Forest& forest, bool doubles, TreePanels* out);

}  // namespace engine
