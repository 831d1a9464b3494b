#include "ops/elementwise/pair.h"

#include "ops/elementwise/element_type.h"
#include "ops/elementwise/unary.h"

namespace engine {

Status ElementwisePair::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kFloats));
  ENGINE_TRY(c.require(1, dtypes::kFloats));
  ENGINE_TRY(c.require_same(0, 1));
  ENGINE_TRY(read_attributes(c));
  c.set(0, c.dtype(0));
  if (!c.has_rank(0) || !c.has_rank(1)) return {};
  ENGINE_ASSIGN(Shape shape, broadcast_shapes(c.shape(0), c.shape(1)));
  c.set(0, c.dtype(0), shape);
  if (shape.known() && c.known(0) && c.shape(0) == shape) c.allow_in_place(0, 0);
  return {};
}

Status ElementwisePair::prepare(PrepareContext& c) {
  dtype_ = c.dtype(0);
  DType computed = is_half_width(dtype_) ? DType::Float : dtype_;
  function_ = unary_kernel(element_type(computed), unary_);
  for (Broadcast form : {Broadcast::none, Broadcast::scalar_right, Broadcast::scalar_left})
    combine_[int(form)] = binary_kernel(element_type(computed), binary_, form);
  load_ = Converter(dtype_, computed);
  store_ = Converter(computed, dtype_);
  plan_ = merge_broadcast(c.output_shape(0), {&c.shape(0), &c.shape(1)});
  return {};
}

void ElementwisePair::run_elements(const char* a, const char* b, char* y, int64_t n, Broadcast form) const {
  alignas(64) double block_a[kConvertBlock], block_b[kConvertBlock];
  bool a_varies = form != Broadcast::scalar_left, b_varies = form != Broadcast::scalar_right;
  int64_t size = dtype_size(dtype_);
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t m = std::min(kConvertBlock, n - i);
    size_t count_a = a_varies ? size_t(m) : 1;
    load_(a_varies ? a + i * size : a, block_a, int64_t(count_a));
    load_(b_varies ? b + i * size : b, block_b, b_varies ? m : 1);
    double* result = a_varies ? block_a : block_b;
    if (order_ == PairOrder::UnaryFirst) function_(block_a, block_a, count_a, params_);
    combine_[int(form)](block_a, block_b, result, size_t(m));
    if (order_ == PairOrder::BinaryFirst) function_(result, result, size_t(m), params_);
    store_(result, y + i * size, m);
  }
}

Status ElementwisePair::run(OpRun& r) const {
  const char *a = r.in<char>(0), *b = r.in<char>(1);
  char* y = r.out<char>(0);
  int64_t size = dtype_size(dtype_);
  Broadcast form = !plan_.varies[1] ? Broadcast::scalar_right : !plan_.varies[0] ? Broadcast::scalar_left : Broadcast::none;
  double ns = unary_ns(unary_) * (dtype_ == DType::Double ? 5 : 1) + 1 + (is_half_width(dtype_) ? 3 : 0);
  return r.parallel(plan_.elements, ns, [&](int64_t begin, int64_t end, int) {
    plan_.each_run(begin, end, [&](int64_t at, const int64_t* from, int64_t n) {
      run_elements(a + from[0] * size, b + from[1] * size, y + at * size, n, form);
    });
  });
}

}  // namespace engine
