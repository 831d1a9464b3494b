#include "ops/elementwise/nary.h"

#include <algorithm>

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

// Elements a block: they stay in the first-level cache from one operand to the next.
constexpr int64_t kDirectBlock = 4096;

// Elements [begin, end) of the broadcast operand, converted, one after the other.
void expand(const BroadcastPlan& plan, const Converter& load, const Tensor& x, int64_t begin, int64_t end, float* y) {
  plan.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
    float* to = y + (at - begin);
    load(x.as<char>() + from[0] * dtype_size(x.dtype), to, plan.varies[0] ? n : 1);
    if (!plan.varies[0]) std::fill_n(to + 1, n - 1, to[0]);
  });
}

}  // namespace

Status ElementwiseNary::infer(InferContext& c) {
  bool ranks = true;
  Shape shape;
  for (int i = 0; i < c.input_count(); ++i) {
    ENGINE_TRY(c.require(i, allowed_));
    ENGINE_TRY(c.require_same(0, i));
    ranks = ranks && c.has_rank(i);
    if (!ranks) continue;
    ENGINE_ASSIGN(shape, broadcast_shapes(shape, c.shape(i)));
  }
  c.set(0, c.dtype(0));
  if (!ranks) return {};
  c.set(0, c.dtype(0), shape);
  if (!shape.known()) return {};
  ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(shape, dtype_size(c.dtype(0))));
  if (c.input_count() == 1) c.set_view(0, 0);
  else if (c.input_count() == 2 && c.known(0) && c.shape(0).elements() == shape.elements()) c.allow_in_place(0, 0);
  return {};
}

Status ElementwiseNary::prepare(PrepareContext& c) {
  DType dtype = c.dtype(0);
  computed_ = is_half_width(dtype) ? DType::Float : dtype;
  for (Broadcast form : {Broadcast::none, Broadcast::scalar_right})
    combine_[int(form)] = binary_kernel(element_type(computed_), op_, form);
  divide_ = binary_kernel(element_type(computed_), BinaryOp::div, Broadcast::scalar_right);
  load_ = Converter(dtype, computed_);
  store_ = Converter(computed_, dtype);
  for (int i = 0; i < c.input_count(); ++i) plans_.push_back(merge_broadcast(c.output_shape(0), {&c.shape(i)}));
  if (plans_.size() < 2) return {};
  first_ = BinaryLoop(op_, dtype);
  first_plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(1)});
  return {};
}

void ElementwiseNary::direct(OpRun& r, int64_t begin, int64_t end) const {
  int64_t size = dtype_size(computed_);
  char* y = r.out<char>(0);
  first_.range(first_plan_, r.in(0).data, r.in(1).data, y, begin, end);
  for (size_t k = 2; k < plans_.size(); ++k) {
    const char* x = r.in<char>(int(k));
    BinaryFn combine = combine_[int(plans_[k].varies[0] ? Broadcast::none : Broadcast::scalar_right)];
    plans_[k].each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
      combine(y + at * size, x + from[0] * size, y + at * size, size_t(n));
    });
  }
  if (mean_) divide(y + begin * size, end - begin);
}

void ElementwiseNary::converted(OpRun& r, int64_t begin, int64_t end) const {
  alignas(64) float sum[kConvertBlock], term[kConvertBlock];
  int64_t n = end - begin;
  expand(plans_[0], load_, r.in(0), begin, end, sum);
  for (size_t k = 1; k < plans_.size(); ++k) {
    expand(plans_[k], load_, r.in(int(k)), begin, end, term);
    combine_[int(Broadcast::none)](sum, term, sum, size_t(n));
  }
  if (mean_) divide(sum, n);
  store_(sum, r.out<char>(0) + begin * dtype_size(r.out(0).dtype), n);
}

void ElementwiseNary::divide(void* y, int64_t n) const {
  float count_f32 = float(plans_.size());
  double count_f64 = double(plans_.size());
  divide_(y, computed_ == DType::Double ? static_cast<const void*>(&count_f64) : &count_f32, y, size_t(n));
}

Status ElementwiseNary::run(OpRun& r) const {
  bool converts = computed_ != r.out(0).dtype;
  double ns = double(plans_.size()) * (converts ? 2.0 : 0.3) + 5.0 * double(plans_.size()) / double(first_plan_.inner);
  return r.parallel(r.out(0).elements(), ns, [&](int64_t begin, int64_t end, int) {
    const int64_t block = converts ? kConvertBlock : kDirectBlock;
    for (int64_t i = begin; i < end; i += block) {
      int64_t stop = std::min(i + block, end);
      if (converts) converted(r, i, stop);
      else direct(r, i, stop);
    }
  });
}

}  // namespace engine
