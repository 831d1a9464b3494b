#include "ops/elementwise/nary.h"

#include <algorithm>

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

// Copies the element at `to` to the n - 1 places after it.
void repeat_first(char* to, int64_t size, int64_t n) {
  auto fill = [&]<class U>() { std::fill_n(reinterpret_cast<U*>(to) + 1, n - 1, *reinterpret_cast<const U*>(to)); };
  if (size == 4) fill.operator()<uint32_t>();
  else if (size == 8) fill.operator()<uint64_t>();
  else if (size == 2) fill.operator()<uint16_t>();
  else fill.operator()<uint8_t>();
}

// Elements [begin, end) of the broadcast operand, converted, one after the other.
void expand(const BroadcastPlan& plan, const Converter& load, const Tensor& x, int64_t size, int64_t begin, int64_t end, char* y) {
  plan.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
    char* to = y + (at - begin) * size;
    load(x.as<char>() + from[0] * dtype_size(x.dtype), to, plan.varies[0] ? n : 1);
    if (plan.varies[0]) return;
    repeat_first(to, size, n);
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
  else if (c.known(0) && c.shape(0).elements() == shape.elements()) c.allow_in_place(0, 0);
  return {};
}

Status ElementwiseNary::prepare(PrepareContext& c) {
  DType dtype = c.dtype(0);
  computed_ = is_half_width(dtype) ? DType::Float : dtype;
  combine_ = binary_kernel(element_type(computed_), op_, Broadcast::none);
  divide_ = binary_kernel(element_type(computed_), BinaryOp::div, Broadcast::scalar_right);
  load_ = Converter(dtype, computed_);
  store_ = Converter(computed_, dtype);
  for (int i = 0; i < c.input_count(); ++i) plans_.push_back(merge_broadcast(c.output_shape(0), {&c.shape(i)}));
  return {};
}

void ElementwiseNary::block(OpRun& r, int64_t begin, int64_t end, char* sum, char* term) const {
  int64_t size = dtype_size(computed_);
  size_t n = size_t(end - begin);
  expand(plans_[0], load_, r.in(0), size, begin, end, sum);
  for (size_t k = 1; k < plans_.size(); ++k) {
    const Tensor& x = r.in(int(k));
    const char* operand = x.as<char>() + begin * size;
    bool direct = x.dtype == computed_ && plans_[k].varies[0] && plans_[k].rank == 0;
    if (!direct) {
      expand(plans_[k], load_, x, size, begin, end, term);
      operand = term;
    }
    combine_(sum, operand, sum, n);
  }
  if (!mean_) return;
  float count_f32 = float(plans_.size());
  double count_f64 = double(plans_.size());
  divide_(sum, computed_ == DType::Double ? static_cast<void*>(&count_f64) : &count_f32, sum, n);
}

Status ElementwiseNary::run(OpRun& r) const {
  Tensor& y = r.out(0);
  bool converts = computed_ != y.dtype;
  double ns = double(plans_.size()) * (converts ? 2.0 : 0.5);
  return r.parallel(y.elements(), ns, [&](int64_t begin, int64_t end, int) {
    alignas(64) char sum[kConvertBlock * 8], term[kConvertBlock * 8];
    for (int64_t i = begin; i < end; i += kConvertBlock) {
      int64_t stop = std::min(i + kConvertBlock, end);
      char* to = y.as<char>() + i * dtype_size(y.dtype);
      block(r, i, stop, converts ? sum : to, term);
      if (converts) store_(sum, to, stop - i);
    }
  });
}

}  // namespace engine
