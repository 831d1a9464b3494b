// Normalisation of groups of channels of [N, C, ...], then a scale and a bias per channel or group.
#pragma once

#include "ops/op.h"

namespace engine {

enum class Grouping { PerChannel, Groups };

class GroupNorm : public Op {
 public:
  explicit GroupNorm(Grouping grouping) : grouping_(grouping) {}
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  template <class T>
  Status normalise(OpRun& r, const T* x, T* y, char* scratch) const;
  template <class T>
  void scale_channel(OpRun& r, const T* x, T* y, int64_t n, int64_t channel, double mean, double inv_std) const;

  Grouping grouping_;
  float epsilon_ = 1e-5f;
  int64_t groups_ = 1, channels_ = 0, batch_ = 0, plane_ = 0;
  int64_t row_ = 0, blocks_ = 1, copy_ = 0;  // elements of a group; its blocks; bytes of a float32 copy
};

template <Grouping kGrouping>
class GroupNormOf final : public GroupNorm {
 public:
  GroupNormOf() : GroupNorm(kGrouping) {}
};

}  // namespace engine
