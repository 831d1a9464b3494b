#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "ops/op.h"
#include "tensor/broadcast.h"

namespace engine {
namespace {

class Where final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kBool));
    ENGINE_TRY(c.require(1, dtypes::kAll));
    ENGINE_TRY(c.require(2, dtypes::kAll));
    ENGINE_TRY(c.require_same(1, 2));
    c.set(0, c.dtype(1));
    if (!c.has_rank(0) || !c.has_rank(1) || !c.has_rank(2)) return {};
    ENGINE_ASSIGN(Shape branches, broadcast_shapes(c.shape(1), c.shape(2)));
    ENGINE_ASSIGN(Shape shape, broadcast_shapes(c.shape(0), branches));
    c.set(0, c.dtype(1), shape);
    if (!shape.known()) return {};
    ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(shape, dtype_size(c.dtype(1))));
    for (int i = 1; i < 3; ++i)
      if (c.known(i) && c.shape(i) == shape && c.dtype(i) != DType::String) c.allow_in_place(0, i);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(1), &c.shape(2)});
    if (c.dtype(1) == DType::String) return {};
    size_ = dtype_size(c.dtype(1));
    select_ = select_kernel(size_t(size_), !plan_.varies[1], !plan_.varies[2]);
    return {};
  }

  Status run(OpRun& r) const override {
    if (r.out(0).dtype == DType::String) return run_strings(r);
    const uint8_t* condition = r.in<uint8_t>(0);
    const char *a = r.in<char>(1), *b = r.in<char>(2);
    char* y = r.out<char>(0);
    return r.parallel(plan_.elements, 0.3 + 5.0 / double(plan_.inner), [&](int64_t begin, int64_t end, int) {
      plan_.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
        const char *pa = a + from[1] * size_, *pb = b + from[2] * size_;
        if (plan_.varies[0]) select_(condition + from[0], pa, pb, y + at * size_, size_t(n));
        else if (condition[from[0]]) fill(pa, plan_.varies[1], y + at * size_, n);
        else fill(pb, plan_.varies[2], y + at * size_, n);
      });
    });
  }

 private:
  // n elements of a run of one operand alone.
  void fill(const char* x, bool varies, char* y, int64_t n) const {
    if (varies) {
      if (x != y) std::memcpy(y, x, size_t(n * size_));
      return;
    }
    for (int64_t i = 0; i < n; ++i) std::memcpy(y + i * size_, x, size_t(size_));
  }

  Status run_strings(OpRun& r) const {
    const bool* condition = r.in<bool>(0);
    const auto *a = r.in<std::string>(1), *b = r.in<std::string>(2);
    auto* y = r.out<std::string>(0);
    return r.parallel(plan_.elements, 30, [&](int64_t begin, int64_t end, int) {
      plan_.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          bool first = condition[from[0] + (plan_.varies[0] ? i : 0)];
          y[at + i] = first ? a[from[1] + (plan_.varies[1] ? i : 0)] : b[from[2] + (plan_.varies[2] ? i : 0)];
        }
      });
    });
  }

  BroadcastPlan plan_;
  int64_t size_ = 0;
  SelectFn select_ = nullptr;
};

}  // namespace

void op_where(OpTable& t) {
  for (int since : {9, 16}) t.add<Where>("", "Where", since, 3, 3);
}

}  // namespace engine
