// Tensors of independent random numbers: RandomNormal, RandomUniform and their Like forms.
#pragma once

#include "ops/dtype_attribute.h"
#include "ops/elementwise/convert.h"
#include "ops/random/generator.h"

namespace engine {

enum class Distribution : uint8_t { Normal, Uniform };

class RandomTensor : public Op {
 public:
  // like: the shape, and without attribute "dtype" the dtype, are those of input 0; else attributes tell both.
  RandomTensor(Distribution distribution, bool like) : distribution_(distribution), like_(like) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  void read_parameters(const InferContext& c);

  Distribution distribution_;
  bool like_;
  double origin_ = 0, span_ = 1;  // mean and scale, or low and high - low
  Seed seed_;
  Converter store_;
};

template <Distribution kDistribution, bool kLike>
class RandomTensorOf final : public RandomTensor {
 public:
  RandomTensorOf() : RandomTensor(kDistribution, kLike) {}
};

}  // namespace engine
