#include "ops/elementwise/binary.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

constexpr int64_t kShortRun = 64, kLeastRepeats = 4;  // elements; runs
constexpr int64_t kRepeatBytes = 4096;

constexpr Broadcast kForms[] = {Broadcast::none, Broadcast::scalar_right, Broadcast::scalar_left};

DType computed_dtype(DType d) { return is_half_width(d) ? DType::Float : d; }

}  // namespace

BinaryLoop::BinaryLoop(BinaryOp op, DType operands) : operands_(operands), result_(operands) {
  DType computed = computed_dtype(operands);
  for (Broadcast form : kForms) fn_[int(form)] = binary_kernel(element_type(computed), op, form);
  converts_ = computed != operands;
  load_ = Converter(operands, computed);
  store_ = Converter(computed, operands);
  bool slow = op == BinaryOp::pow || op == BinaryOp::mod || op == BinaryOp::fmod;
  bool divides = op == BinaryOp::div && !contains(dtypes::kFloats, operands);
  ns_ = (slow ? 20.0 : divides ? 3.0 : 0.4) + (converts_ ? 3.0 : 0.0);
}

BinaryLoop::BinaryLoop(CompareOp op, DType operands) : operands_(operands), result_(DType::Bool) {
  DType computed = computed_dtype(operands);
  for (Broadcast form : kForms) fn_[int(form)] = compare_kernel(element_type(computed), op, form);
  converts_ = computed != operands;
  load_ = Converter(operands, computed);
  ns_ = 0.4 + (converts_ ? 2.0 : 0.0);
}

void BinaryLoop::converted(const char* a, const char* b, char* y, int64_t n, Broadcast form) const {
  alignas(64) float block_a[kConvertBlock], block_b[kConvertBlock];
  bool a_varies = form != Broadcast::scalar_left, b_varies = form != Broadcast::scalar_right;
  int64_t size = dtype_size(operands_);
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t m = std::min(kConvertBlock, n - i);
    load_(a_varies ? a + i * size : a, block_a, a_varies ? m : 1);
    load_(b_varies ? b + i * size : b, block_b, b_varies ? m : 1);
    if (result_ != operands_) {
      fn_[int(form)](block_a, block_b, y + i, size_t(m));
      continue;
    }
    float* block_y = a_varies ? block_a : block_b;
    fn_[int(form)](block_a, block_b, block_y, size_t(m));
    store_(block_y, y + i * size, m);
  }
}

int BinaryLoop::repeating(const BroadcastPlan& plan) const {
  const int d = plan.rank - 1;
  if (converts_ || d < 0 || !plan.varies[0] || !plan.varies[1] || plan.inner > kShortRun || plan.dims[d] < kLeastRepeats) return -1;
  for (int k = 0; k < 2; ++k)
    if (plan.strides[k][d] == 0 && plan.strides[1 - k][d] == plan.inner) return k;
  return -1;
}

// The short operand's run is laid out again and again, so that a kernel's call takes many rows.
void BinaryLoop::repeated(const BroadcastPlan& plan, int short_one, const void* a, const void* b, void* y, int64_t begin, int64_t end) const {
  const int64_t in_size = dtype_size(operands_), out_size = dtype_size(result_), run = plan.inner * in_size;
  BroadcastPlan planes = plan;
  planes.inner *= plan.dims[--planes.rank];
  planes.varies[short_one] = false;
  const char* of[2] = {static_cast<const char*>(a), static_cast<const char*>(b)};
  alignas(64) char again[kRepeatBytes];
  planes.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
    const int64_t phase = at % plan.inner * in_size, bytes = std::min(kRepeatBytes / run * run, round_up(n * in_size, run));
    const char* once = of[short_one] + from[short_one] * in_size;
    std::memcpy(again, once + phase, size_t(run - phase));
    std::memcpy(again + run - phase, once, size_t(phase));
    for (int64_t filled = run; filled < bytes; filled *= 2) std::memcpy(again + filled, again, size_t(std::min(filled, bytes - filled)));
    for (int64_t i = 0; i < n; i += bytes / in_size) {
      const char* other = of[1 - short_one] + (from[1 - short_one] + i) * in_size;
      char* to = static_cast<char*>(y) + (at + i) * out_size;
      fn_[int(Broadcast::none)](short_one == 0 ? again : other, short_one == 0 ? other : again, to, size_t(std::min(n - i, bytes / in_size)));
    }
  });
}

void BinaryLoop::range(const BroadcastPlan& plan, const void* a, const void* b, void* y, int64_t begin, int64_t end) const {
  if (const int short_one = repeating(plan); short_one >= 0) return repeated(plan, short_one, a, b, y, begin, end);
  Broadcast form = !plan.varies[1] ? Broadcast::scalar_right : !plan.varies[0] ? Broadcast::scalar_left : Broadcast::none;
  BinaryFn fn = fn_[int(form)];
  int64_t in_size = dtype_size(operands_), out_size = dtype_size(result_);
  plan.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
    const char* pa = static_cast<const char*>(a) + from[0] * in_size;
    const char* pb = static_cast<const char*>(b) + from[1] * in_size;
    char* to = static_cast<char*>(y) + at * out_size;
    if (converts_) converted(pa, pb, to, n, form);
    else fn(pa, pb, to, size_t(n));
  });
}

Status ElementwiseBinary::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, allowed_));
  ENGINE_TRY(c.require(1, allowed_));
  ENGINE_TRY(c.require_same(0, 1));
  ENGINE_TRY(read_attributes(c));
  DType type = result(c.dtype(0));
  c.set(0, type);
  if (!c.has_rank(0) || !c.has_rank(1)) return {};
  ENGINE_ASSIGN(Shape shape, broadcast_shapes(c.shape(0), c.shape(1)));
  c.set(0, type, shape);
  if (!shape.known() || dtype_size(type) != dtype_size(c.dtype(0))) return {};
  ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(shape, dtype_size(type)));
  for (int i = 0; i < 2; ++i)
    if (c.known(i) && c.shape(i).elements() == shape.elements()) c.allow_in_place(0, i);
  return {};
}

Status ElementwiseBinary::prepare(PrepareContext& c) {
  loop_ = loop(c.dtype(0));
  if (!loop_.valid()) return error(Code::InternalError, "no kernel for %s", dtype_name(c.dtype(0)));
  plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(1)});
  return {};
}

Status ElementwiseBinary::run(OpRun& r) const {
  if (plan_.elements == 0) return {};
  ENGINE_TRY(check(r));
  const void *a = r.in(0).data, *b = r.in(1).data;
  void* y = r.out(0).data;
  double ns = loop_.ns_per_element() + 5.0 / double(plan_.inner);
  return r.parallel(plan_.elements, ns, [&](int64_t begin, int64_t end, int) { loop_.range(plan_, a, b, y, begin, end); });
}

Status refuse_zero_divisor(OpRun& r, int i) {
  const Tensor& divisor = r.in(i);
  if (!contains(dtypes::kIntegers, divisor.dtype)) return {};
  std::atomic<bool> found{false};
  ENGINE_TRY(r.parallel(divisor.elements(), 0.5, [&](int64_t begin, int64_t end, int) {
    visit_width(divisor.dtype, [&]<class U>() {
      if constexpr (std::is_integral_v<U>) {
        const U* x = divisor.as<U>();
        bool zero = false;
        for (int64_t k = begin; k < end; ++k) zero |= x[k] == 0;
        if (zero) found.store(true, std::memory_order_relaxed);
      }
    });
  }));
  if (found.load(std::memory_order_relaxed)) return error(Code::InvalidInput, "integer division by zero");
  return {};
}

}  // namespace engine
