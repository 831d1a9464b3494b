// ScatterElements, and Scatter, its first name.
#pragma once

#include "base/checked.h"
#include "ops/along_axis.h"
#include "ops/scatter_reduction.h"

namespace engine {

class ScatterElements final : public Op {
 public:
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  template <class T>
  Status put(OpRun& r, IndexCheck& check) const;

  int axis_ = 0;
  ScatterReduction reduction_ = ScatterReduction::None;
  // Lanes are the positions off the axis (and, unless the axis is the last, off the last axis, which is cut into columns).
  // Different lanes never meet, so that each is walked along the axis in order.
  RowWalk data_lanes_, index_lanes_;
  int64_t columns_ = 1, column_step_ = 1;          // of the last axis; 1 when it is the axis itself
  int64_t count_ = 0, index_step_ = 0;             // along the axis: how many indices, and how far apart
  int64_t length_ = 0, data_step_ = 0;             // of the data's axis
};

}  // namespace engine
