#include <cmath>

#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

using RangeTypes = TypeList<float, double, Half, BFloat16, int16_t, int32_t, int64_t>;

// How many numbers; -1 when that is no sensible count.
int64_t count_of(int64_t start, int64_t limit, int64_t delta) {
  if (delta > 0 ? start >= limit : start <= limit) return 0;
  uint64_t distance = delta > 0 ? uint64_t(limit) - uint64_t(start) : uint64_t(start) - uint64_t(limit);
  uint64_t step = delta > 0 ? uint64_t(delta) : -uint64_t(delta);
  uint64_t n = (distance - 1) / step + 1;
  return n > uint64_t(INT64_MAX) ? -1 : int64_t(n);
}

int64_t count_of(double start, double limit, double delta) {
  double n = std::ceil((limit - start) / delta);
  if (!(n < 9e18)) return -1;
  return n > 0 ? int64_t(n) : 0;
}

template <class T>
void fill(const Tensor& start, const Tensor& delta, T* out, int64_t begin, int64_t end) {
  using A = std::conditional_t<std::is_integral_v<T>, uint64_t, std::conditional_t<std::is_same_v<T, double>, double, float>>;
  const A first = A(*start.as<T>()), step = A(*delta.as<T>());
  for (int64_t i = begin; i < end; ++i) out[i] = T(first + A(i) * step);
}

class Range final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i = 0; i < 3; ++i) {
      ENGINE_TRY(c.require(i, dtypes::kFloats | dtype_set(DType::Int16, DType::Int32, DType::Int64)));
      ENGINE_TRY(c.require_same(0, i));
      ENGINE_TRY(require_scalar(c, i));
    }
    c.set(0, c.dtype(0), {kUnknownDim});
    for (int i = 0; i < 3; ++i)
      if (!c.value(i)) return {};
    const Tensor &start = *c.value(0), &limit = *c.value(1), &delta = *c.value(2);
    int64_t n = -1;
    if (number_at(delta, 0) == 0) return error(Code::InvalidModel, "delta is 0");
    if (contains(dtypes::kIntegers, c.dtype(0))) n = count_of(integer_at(start, 0), integer_at(limit, 0), integer_at(delta, 0));
    else n = count_of(number_at(start, 0), number_at(limit, 0), number_at(delta, 0));
    if (n < 0)
      return error(Code::InvalidModel, "from %g to %g by %g there is no sensible count of numbers", number_at(start, 0),
                   number_at(limit, 0), number_at(delta, 0));
    ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes({n}, dtype_size(c.dtype(0))));
    c.set(0, c.dtype(0), {n});
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(RangeTypes{}, r.in(0).dtype, [&]<class T>() {
      T* out = r.out<T>(0);
      status = r.parallel(r.out(0).elements(), 1.0, [&](int64_t begin, int64_t end, int) { fill(r.in(0), r.in(2), out, begin, end); });
    });
    return status;
  }
};

}  // namespace

void op_range(OpTable& t) {
  for (int since : {11, 27}) t.add<Range>("", "Range", since, 3, 3);
}

}  // namespace engine
