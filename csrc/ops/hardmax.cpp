#include "ops/arg_extreme.h"
#include "ops/pieces.h"

namespace engine {
namespace {

class Hardmax final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    c.set(0, c.dtype(0), in);
    bool flat = c.opset() < 13;
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", flat ? 1 : -1), in.rank()));
    end_ = flat ? in.rank() : axis_ + 1;
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    shape_.outer = in.elements(0, axis_);
    shape_.length = in.elements(axis_, end_);
    shape_.inner = in.elements(end_, in.rank());
    c.need_shared_scratch(shape_.outer * shape_.inner * int64_t(sizeof(int64_t)) + shape_.scratch(c.dtype(0)));
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(FloatTypes{}, r.in(0).dtype, [&]<class T>() { status = mark<T>(r); });
    return status;
  }

 private:
  template <class T>
  Status mark(OpRun& r) const {
    if (shape_.length == 0) return {};
    int64_t* where = r.shared_scratch<int64_t>();
    T* state = reinterpret_cast<T*>(where + shape_.outer * shape_.inner);
    T* out = r.out<T>(0);
    ENGINE_TRY((arg_extreme<true, T>(r, shape_, r.in<T>(0), where, state)));
    return r.parallel(shape_.outer * shape_.length, 2 + double(shape_.inner), [&](int64_t begin, int64_t end, int worker) {
      const T one(1.0f), zero(0.0f);
      for (int64_t item = begin; item < end; ++item) {
        const int64_t *best = where + item / shape_.length * shape_.inner, step = item % shape_.length;
        T* to = out + item * shape_.inner;
        if (!within_item(r, worker, shape_.inner, 32768, [&](int64_t first, int64_t last) {
              for (int64_t k = first; k < last; ++k) to[k] = best[k] == step ? one : zero;
            }))
          return;
      }
    });
  }

  int axis_ = 0, end_ = 0;
  ArgShape shape_;
};

}  // namespace

void op_hardmax(OpTable& t) {
  for (int since : {1, 11, 13}) t.add<Hardmax>("", "Hardmax", since, 1, 1);
}

}  // namespace engine
