#include "base/checked.h"
#include "ops/element.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr int64_t kBlock = 8192;  // elements counted together

// Blocks are counted, which tells where each one's indices begin, and then written.
class NonZero final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric | dtypes::kBool));
    c.set(0, DType::Int64);
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    if (r.in(0).dtype == DType::Bool) return find<uint8_t>(r);
    visit_dtype(NumericTypes{}, r.in(0).dtype, [&]<class T>() { status = find<T>(r); });
    return status;
  }

 private:
  template <class T>
  static bool differs(T v) {
    if constexpr (std::is_arithmetic_v<T>) return v != 0;
    else return float(v) != 0;
  }

  template <class T>
  static Status find(OpRun& r) {
    const T* x = r.in<T>(0);
    int64_t n = r.in(0).elements(), blocks = ceil_div(n, kBlock);
    ENGINE_ASSIGN(Tensor counts, r.make(DType::Int64, {blocks}));
    int64_t* at = counts.as<int64_t>();
    ENGINE_TRY(r.parallel(blocks, 1.0 * kBlock, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b) {
        int64_t count = 0;
        for (int64_t i = b * kBlock; i < std::min(n, (b + 1) * kBlock); ++i) count += differs(x[i]);
        at[b] = count;
      }
    }));
    int64_t total = 0;
    for (int64_t b = 0; b < blocks; ++b) {
      int64_t count = at[b];
      at[b] = total;
      total += count;
    }
    const Shape shape = r.in(0).shape;
    ENGINE_TRY(r.allocate(0, DType::Int64, {shape.rank(), total}));
    int64_t* out = r.out<int64_t>(0);
    return r.parallel(blocks, (3 + 2.0 * shape.rank()) * kBlock, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b) put(x, shape, b * kBlock, std::min(n, (b + 1) * kBlock), out + at[b], total);
    });
  }

  // The indices of elements [begin, end) that differ from zero, one row of `total` an axis.
  template <class T>
  static void put(const T* x, const Shape& shape, int64_t begin, int64_t end, int64_t* out, int64_t total) {
    int64_t index[kMaxRank] = {}, rest = begin;
    for (int d = shape.rank() - 1; d >= 0; rest /= shape[d--]) index[d] = rest % shape[d];
    for (int64_t i = begin; i < end; ++i) {
      if (differs(x[i])) {
        for (int d = 0; d < shape.rank(); ++d) out[d * total] = index[d];
        ++out;
      }
      for (int d = shape.rank() - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
    }
  }
};

}  // namespace

void op_non_zero(OpTable& t) {
  for (int since : {9, 13}) t.add<NonZero>("", "NonZero", since, 1, 1);
}

}  // namespace engine
