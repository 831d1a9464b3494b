#include "ops/elementwise/predicate.h"

#include <cmath>
#include <cstring>

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

bool ask(PredicateOp op, double x) {
  switch (op) {
    case PredicateOp::is_nan: return std::isnan(x);
    case PredicateOp::is_inf: return std::isinf(x);
    case PredicateOp::is_positive_inf: return std::isinf(x) && x > 0;
    case PredicateOp::is_negative_inf: return std::isinf(x) && x < 0;
  }
  return false;
}

}  // namespace

Status ElementwisePredicate::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, kPredicateTypes));
  ENGINE_TRY(read_attributes(c));
  TypeInfo type = c.type(0);
  type.dtype = DType::Bool;
  c.set(0, type);
  return {};
}

void ElementwisePredicate::run_range(const Tensor& x, uint8_t* y, int64_t begin, int64_t end) const {
  if (never_) {
    std::memset(y + begin, 0, size_t(end - begin));
    return;
  }
  if (x.dtype == DType::Double) {
    for (int64_t i = begin; i < end; ++i) y[i] = ask(op_, x.as<double>()[i]);
    return;
  }
  UnaryFn fn = elementwise_kernels().predicate[int(op_)];
  if (x.dtype == DType::Float) return fn(x.as<float>() + begin, y + begin, size_t(end - begin), {});
  Converter load(x.dtype, DType::Float);
  float block[kConvertBlock];
  for (int64_t i = begin; i < end; i += kConvertBlock) {
    int64_t n = std::min(kConvertBlock, end - i);
    load(x.as<char>() + i * dtype_size(x.dtype), block, n);
    fn(block, y + i, size_t(n), {});
  }
}

Status ElementwisePredicate::run(OpRun& r) const {
  const Tensor& x = r.in(0);
  uint8_t* y = r.out<uint8_t>(0);
  return r.parallel(x.elements(), x.dtype == DType::Float ? 0.3 : 2.0,
                    [&](int64_t begin, int64_t end, int) { run_range(x, y, begin, end); });
}

}  // namespace engine
