// The Reduce operators.
#pragma once

#include "ops/elementwise/convert.h"
#include "ops/reduce/reduction.h"

namespace engine {

// float16 and bfloat16 are computed in float32; integers whose result is a mean, a root or a logarithm in float64 and then
// rounded towards zero. Over no elements: 0, 1 (Prod), the lowest or highest number (Max, Min), NaN (Mean).
class Reduce : public Op {
 public:
  // axes_input: the opset from which the axes are an input.
  Reduce(Reduction kind, DTypeSet types, int axes_input) : kind_(kind), types_(types), axes_input_(axes_input) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  // What is needed to reduce one shape over some axes.
  struct Work {
    bool reduced[kMaxRank] = {};
    ReductionPlan plan;
    int64_t inputs = 0, converted = 0, scratch = 0;  // elements; bytes of converted inputs and outputs; bytes in all
  };
  Status mark(const Shape& in, const std::vector<int64_t>& axes, bool* reduced) const;
  Shape output_shape(const Shape& in, const bool* reduced) const;
  Work make_work(const Shape& in, const bool* reduced) const;
  Status compute(OpRun& r, const Work& work, char* scratch) const;

  Reduction kind_;
  DTypeSet types_;
  int axes_input_;
  bool keep_ = true, noop_ = false, axes_known_ = false;
  std::vector<int64_t> axes_;
  DType dtype_ = DType::Float, computed_ = DType::Float;
  Converter load_, store_;
  Work work_;
};

template <Reduction kKind, DTypeSet kTypes, int kAxesInput>
class ReduceOf final : public Reduce {
 public:
  ReduceOf() : Reduce(kKind, kTypes, kAxesInput) {}
};

inline constexpr DTypeSet kReducedTypes =
    dtypes::kFloats | dtype_set(DType::Int32, DType::Int64, DType::Uint32, DType::Uint64);

// Enters the versions of a Reduce operator: axes are an attribute below kAxesInput, an input from there on.
template <Reduction kKind, int kAxesInput = 18, DTypeSet kTypes = kReducedTypes>
void add_reduce(OpTable& t, const char* name, std::initializer_list<int> versions) {
  for (int since : versions)
    t.add<ReduceOf<kKind, kTypes, kAxesInput>>("", name, since, 1, since >= kAxesInput ? 2 : 1);
}

}  // namespace engine
