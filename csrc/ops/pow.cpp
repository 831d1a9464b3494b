#include "ops/elementwise/binary.h"

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

// The exponent may have a type of its own. Both are then converted: to the base's type when that is a float, to float64 when
// an integer is raised to a float, to int64 when both are integers.
class Pow final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    ENGINE_TRY(c.require(1, dtypes::kNumeric));
    if (c.opset() < 12) ENGINE_TRY(c.require_same(0, 1));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(Shape shape, broadcast_shapes(c.shape(0), c.shape(1)));
    c.set(0, c.dtype(0), shape);
    if (shape.known() && c.known(0) && c.shape(0) == shape) c.allow_in_place(0, 0);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(1)});
    base_ = c.dtype(0);
    exponent_ = c.dtype(1);
    computed_ = computed_dtype();
    load_base_ = Converter(base_, computed_);
    load_exponent_ = Converter(exponent_, computed_);
    store_ = Converter(computed_, base_);
    for (Broadcast form : {Broadcast::none, Broadcast::scalar_right, Broadcast::scalar_left})
      fn_[int(form)] = binary_kernel(element_type(computed_), BinaryOp::pow, form);
    return {};
  }

  Status run(OpRun& r) const override {
    const char *a = r.in<char>(0), *b = r.in<char>(1);
    char* y = r.out<char>(0);
    Broadcast form = !plan_.varies[1] ? Broadcast::scalar_right : !plan_.varies[0] ? Broadcast::scalar_left : Broadcast::none;
    return r.parallel(plan_.elements, 25, [&](int64_t begin, int64_t end, int) {
      plan_.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
        const char *pa = a + from[0] * dtype_size(base_), *pb = b + from[1] * dtype_size(exponent_);
        char* to = y + at * dtype_size(base_);
        if (base_ == computed_ && exponent_ == computed_) fn_[int(form)](pa, pb, to, size_t(n));
        else converted(pa, pb, to, n, form);
      });
    });
  }

 private:
  DType computed_dtype() const {
    bool float_base = contains(dtypes::kFloats, base_), float_exponent = contains(dtypes::kFloats, exponent_);
    if (is_half_width(base_)) return DType::Float;
    if (float_base || base_ == exponent_) return base_;
    return float_exponent ? DType::Double : DType::Int64;
  }

  void converted(const char* a, const char* b, char* y, int64_t n, Broadcast form) const {
    alignas(64) int64_t block_a[kConvertBlock], block_b[kConvertBlock];
    bool a_varies = form != Broadcast::scalar_left, b_varies = form != Broadcast::scalar_right;
    for (int64_t i = 0; i < n; i += kConvertBlock) {
      int64_t m = std::min(kConvertBlock, n - i);
      load_base_(a_varies ? a + i * dtype_size(base_) : a, block_a, a_varies ? m : 1);
      load_exponent_(b_varies ? b + i * dtype_size(exponent_) : b, block_b, b_varies ? m : 1);
      void* block_y = a_varies ? block_a : block_b;
      fn_[int(form)](block_a, block_b, block_y, size_t(m));
      store_(block_y, y + i * dtype_size(base_), m);
    }
  }

  BroadcastPlan plan_;
  DType base_ = DType::Float, exponent_ = DType::Float, computed_ = DType::Float;
  Converter load_base_, load_exponent_, store_;
  BinaryFn fn_[kBroadcasts] = {};
};

}  // namespace

void op_pow(OpTable& t) {
  for (int since : {7, 12, 13, 15}) t.add<Pow>("", "Pow", since, 2, 2);
}

}  // namespace engine
