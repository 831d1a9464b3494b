#include "ops/norm/affine.h"
#include "ops/reduce/reduced_index.h"
#include "ops/reduce/reduction.h"

namespace engine {
namespace {

// x / norm along an axis, the norm being the sum of absolute values or the root of the sum of squares; 0 where that is 0.
class LpNormalization final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    p_ = c.attr_int("p", 2);
    if (p_ != 1 && p_ != 2) return error(Code::InvalidModel, "p is %lld; 1 and 2 are allowed", (long long)p_);
    c.set(0, c.type(0));
    if (!c.has_rank(0)) return {};
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", -1), c.shape(0).rank()));
    return {};
  }

  Status prepare(PrepareContext& c) override {
    bool reduced[kMaxRank] = {};
    reduced[axis_] = true;
    norm_ = ReductionPlan(p_ == 1 ? Reduction::L1 : Reduction::L2, computed_float(c.dtype(0)), c.shape(0), reduced);
    index_ = ReducedIndex(c.shape(0), reduced);
    copy_ = computed_copy(c.dtype(0), c.shape(0).elements());
    c.need_shared_scratch(copy_ + norm_.outputs() * int64_t(sizeof(double)) + norm_.scratch());
    return {};
  }

  Status run(OpRun& r) const override {
    char* scratch = r.shared_scratch();
    return with_computed_floats(r, scratch, [&]<class T>(const T* x, T* y) -> Status {
      T* norms = reinterpret_cast<T*>(scratch + copy_);
      ENGINE_TRY(norm_.run(r, x, norms, scratch + copy_ + norm_.outputs() * int64_t(sizeof(double))));
      return r.parallel(r.in(0).elements(), 2, [&](int64_t begin, int64_t end, int) {
        index_.each(begin, end, [&](int64_t i, int64_t at) { y[i] = norms[at] == 0 ? T(0) : x[i] / norms[at]; });
      });
    });
  }

 private:
  int64_t p_ = 2, copy_ = 0;
  int axis_ = 0;
  ReductionPlan norm_;
  ReducedIndex index_;
};

}  // namespace

void op_lp_normalization(OpTable& t) {
  for (int since : {1, 22}) t.add<LpNormalization>("", "LpNormalization", since, 1, 1);
}

}  // namespace engine
