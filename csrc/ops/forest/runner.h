// Runs a forest over rows: what the tree ensemble operators share.
#pragma once

#include <memory>
#include <vector>

#include "kernels/tree/panel.h"
#include "ops/op.h"

namespace engine {

enum class TreeAggregate : uint8_t { average = 0, sum = 1, min = 2, max = 3 };

struct ForestModel;

// What one worker holds while it takes `groups` groups of kTreeRows rows through the trees: bytes of each part.
struct GroupLayout {
  int64_t columns = 0, targets = 0, groups = 0, trees_at_once = 0;
  int64_t keys_per_group = 0, sums_per_group = 0, scores_per_group = 0;
  int64_t sums_at = 0, scores_at = 0, results_at = 0, has_at = 0, bytes = 0;

  GroupLayout() = default;
  explicit GroupLayout(const ForestModel& m);
};

// A forest as an operator uses it. Immutable once made.
struct ForestModel {
  ForestSpec spec;                       // without nodes, votes and members once packed
  Forest packed;
  std::shared_ptr<const TreePanels> panels;  // of `packed`; null: trees are walked
  GroupLayout layout;
  double ns_per_row = 0;
  bool fast = false;                     // packed, panels and layout are valid
  bool dense = false;                    // every list has one vote for each target, in order
  std::vector<double> dense_weights;      // [lists][targets]
  std::vector<char> voted;               // targets that some leaf votes for
  bool all_positive = true;              // no weight is negative
  TreeAggregate aggregate = TreeAggregate::sum;
  std::vector<double> base;              // empty, or one or more values

  int64_t targets() const { return spec.targets; }
};

// Checks and packs. `doubles`: the features are float64, else float32.
Status finish_forest(ForestModel& m, bool doubles);

// [rows, features] of an input, one row when it has one dimension; InvalidModel when it does not fit the forest.
struct ForestRows {
  int64_t rows, width;
};
Result<ForestRows> forest_rows(const ForestModel& m, const Shape& shape);
Status check_forest_shape(const ForestModel& m, const Shape& shape);

// The scratch and shared memory that run_forest needs for an input of that shape.
Status prepare_forest(PrepareContext& c, const ForestModel& m, const Shape& shape);

// What run_forest tells of each row, once, from any worker: scores[target] is the aggregate without base values, 0 where
// has[target] is 0 (no leaf that was reached votes for it). Both may be changed.
class ForestFinish {
 public:
  virtual ~ForestFinish() = default;
  virtual void row(int64_t row, double* scores, uint8_t* has) = 0;
};

// x: float32 or float64, whichever the forest was packed for. The order in which weights are added depends on the forest
// alone. REQUIRES: prepare_forest for x's shape.
Status run_forest(OpRun& r, const ForestModel& m, const Tensor& x, ForestFinish& finish);

}  // namespace engine
