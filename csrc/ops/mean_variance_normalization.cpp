#include <cmath>

#include "ops/axes.h"
#include "ops/norm/affine.h"
#include "ops/reduce/reduced_index.h"
#include "ops/reduce/reduction.h"

namespace engine {
namespace {

// (x - mean) / (standard deviation + 1e-9) over some axes.
class MeanVarianceNormalization final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    c.set(0, c.type(0));
    if (!c.has_rank(0)) return {};
    std::vector<int64_t> axes = c.has("axes") ? c.attr_ints("axes") : std::vector<int64_t>{0, 2, 3};
    ENGINE_ASSIGN(axes_, normalize_axes(axes, c.shape(0).rank()));
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& x = c.shape(0);
    bool reduced[kMaxRank] = {};
    count_ = 1;
    for (int a : axes_) {
      reduced[a] = true;
      count_ *= x[a];
    }
    DType dtype = computed_float(c.dtype(0));
    mean_ = ReductionPlan(Reduction::Mean, dtype, x, reduced);
    square_ = ReductionPlan(Reduction::SumSquare, dtype, x, reduced);
    index_ = ReducedIndex(x, reduced);
    copy_ = computed_copy(c.dtype(0), x.elements());
    c.need_shared_scratch(copy_ + mean_.outputs() * int64_t(sizeof(double)) + std::max(mean_.scratch(), square_.scratch()));
    return {};
  }

  Status run(OpRun& r) const override {
    char* scratch = r.shared_scratch();
    return with_computed_floats(r, scratch, [&]<class T>(const T* x, T* y) -> Status {
      T* values = reinterpret_cast<T*>(scratch + copy_);
      char* rest = scratch + copy_ + mean_.outputs() * int64_t(sizeof(double));
      auto each = [&](auto&& f) {
        return r.parallel(r.in(0).elements(), 2, [&](int64_t begin, int64_t end, int) { index_.each(begin, end, f); });
      };
      ENGINE_TRY(mean_.run(r, x, values, rest));
      ENGINE_TRY(each([&](int64_t i, int64_t at) { y[i] = x[i] - values[at]; }));
      ENGINE_TRY(square_.run(r, y, values, rest));
      ENGINE_TRY(r.parallel(mean_.outputs(), 3, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) values[i] = std::sqrt(values[i] / T(count_)) + T(1e-9);
      }));
      return each([&](int64_t i, int64_t at) { y[i] /= values[at]; });
    });
  }

 private:
  std::vector<int> axes_;
  int64_t count_ = 1, copy_ = 0;
  ReductionPlan mean_, square_;
  ReducedIndex index_;
};

}  // namespace

void op_mean_variance_normalization(OpTable& t) {
  for (int since : {9, 13}) t.add<MeanVarianceNormalization>("", "MeanVarianceNormalization", since, 1, 1);
}

}  // namespace engine
