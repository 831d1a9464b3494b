// Base of operators whose output is their first input's memory under another shape.
#pragma once

#include "ops/axes.h"
#include "ops/element.h"

namespace engine {

class ViewOp : public Op {
 public:
  Status infer(InferContext& c) final {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    c.set_view(0, 0);
    return infer_view(c);
  }
  Status run(OpRun& r) const override { return copy_input(r, 0, 0); }

 protected:
  // Tells output 0's shape, where it can be told.
  virtual Status infer_view(InferContext& c) = 0;
};

}  // namespace engine
