// Conversion of whole tensors between any two dtypes but complex: Cast and CastLike.
#pragma once

#include "ops/elementwise/convert.h"
#include "ops/op.h"

namespace engine {

inline constexpr DTypeSet kCastTypes = dtypes::kAll & ~dtypes::kComplex;

class CastOp : public Op {
 public:
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  // The dtype to convert to.
  virtual Result<DType> target(InferContext& c) const = 0;

 private:
  Status read_rounding(InferContext& c);
  Status from_strings(OpRun& r) const;
  Status to_strings(OpRun& r) const;

  SmallFloatRounding rounding_;
  DType to_ = DType::Float;
  Converter convert_;
};

}  // namespace engine
