#include "ops/elementwise/unary.h"

#include "ops/elementwise/element_type.h"

namespace engine {

Status ElementwiseUnary::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, allowed_));
  ENGINE_TRY(read_attributes(c));
  c.set(0, c.type(0));
  c.allow_in_place(0, 0);
  return {};
}

Status ElementwiseUnary::prepare(PrepareContext& c) {
  DType dtype = c.dtype(0), computed = dtype;
  if (is_half_width(dtype)) computed = DType::Float;
  else if (!unary_kernel(element_type(dtype), op_)) computed = DType::Double;
  run_ = unary_kernel(element_type(computed), op_);
  if (!run_) return error(Code::InternalError, "no kernel for %s", dtype_name(dtype));
  converts_ = computed != dtype;
  load_ = Converter(dtype, computed);
  store_ = Converter(computed, dtype);
  return {};
}

void ElementwiseUnary::run_range(const Tensor& x, Tensor& y, int64_t begin, int64_t end) const {
  int64_t size = dtype_size(x.dtype);
  const char* from = x.as<char>();
  char* to = y.as<char>();
  if (!converts_) return run_(from + begin * size, to + begin * size, size_t(end - begin), params_);
  alignas(64) double block[kConvertBlock];
  for (int64_t i = begin; i < end; i += kConvertBlock) {
    int64_t n = std::min(kConvertBlock, end - i);
    load_(from + i * size, block, n);
    run_(block, block, size_t(n), params_);
    store_(block, to + i * size, n);
  }
}

Status ElementwiseUnary::run(OpRun& r) const {
  const Tensor& x = r.in(0);
  Tensor& y = r.out(0);
  double ns = unary_ns(op_);
  if (x.dtype == DType::Double) ns = 4 * ns + 1;
  if (converts_) ns += load_.ns_per_element() + store_.ns_per_element();
  return r.parallel(x.elements(), ns, [&](int64_t begin, int64_t end, int) { run_range(x, y, begin, end); });
}

double unary_ns(UnaryOp op) {
  switch (op) {
    case UnaryOp::tan:
    case UnaryOp::asin:
    case UnaryOp::acos:
    case UnaryOp::atan:
    case UnaryOp::sinh:
    case UnaryOp::cosh:
    case UnaryOp::asinh:
    case UnaryOp::acosh:
    case UnaryOp::atanh: return 12;
    case UnaryOp::exp:
    case UnaryOp::log:
    case UnaryOp::sin:
    case UnaryOp::cos:
    case UnaryOp::tanh:
    case UnaryOp::erf:
    case UnaryOp::sigmoid:
    case UnaryOp::elu:
    case UnaryOp::selu:
    case UnaryOp::celu:
    case UnaryOp::softplus:
    case UnaryOp::gelu_erf:
    case UnaryOp::gelu_tanh:
    case UnaryOp::silu:
    case UnaryOp::mish: return 1.5;
    default: return 0.3;
  }
}

}  // namespace engine
