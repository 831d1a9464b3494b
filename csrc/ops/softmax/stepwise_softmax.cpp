#include "ops/softmax/stepwise_softmax.h"

#include <algorithm>
#include <cmath>

#include "base/float16.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/reduce/reduce.h"
#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

void scalar_right(BinaryOp op, float* x, int64_t n, float scalar) {
  binary_kernel(ElementType::f32, op, Broadcast::scalar_right)(x, &scalar, x, size_t(n));
}

float reduce(ReduceOp op, const float* x, int64_t n) {
  float result = 0;
  reduce_kernels().rows[int(op)](x, 1, size_t(n), &result);
  return result;
}

float bfloat_run(const float* x, int64_t n) {
  float total = x[0];
  for (int64_t i = 1; i < n; ++i) total = BFloat16(total + x[i]);
  return total;
}

}  // namespace

StepwiseSoftmax::StepwiseSoftmax(DType dtype) : dtype_(dtype), load_(dtype, DType::Float), store_(DType::Float, dtype) {}

void StepwiseSoftmax::round(float* x, int64_t n) const {
  uint16_t rounded[kConvertBlock];
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t count = std::min(kConvertBlock, n - i);
    store_(x + i, rounded, count);
    load_(rounded, x + i, count);
  }
}

void StepwiseSoftmax::exponentials(float* x, int64_t n, float top) const {
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t count = std::min(kConvertBlock, n - i);
    scalar_right(BinaryOp::sub, x + i, count, top);
    round(x + i, count);
    unary_kernel(ElementType::f32, UnaryOp::exp)(x + i, x + i, size_t(count), {});
    round(x + i, count);
  }
}

float StepwiseSoftmax::sum(const float* x, int64_t n) const {
  if (dtype_ != DType::BFloat16) return reduce(ReduceOp::sum, x, n);
  float total = 0, runs[kConvertBlock];
  for (int64_t i = 0; i < n;) {
    int64_t count = 0;
    for (; i < n && count < kConvertBlock; i += kRun) runs[count++] = bfloat_run(x + i, std::min(kRun, n - i));
    total += reduce(ReduceOp::sum, runs, count);
  }
  return total;
}

void StepwiseSoftmax::quotients(float* x, int64_t n, float total) const {
  float rounded = total;
  round(&rounded, 1);
  if (!std::isinf(rounded)) total = rounded;
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t count = std::min(kConvertBlock, n - i);
    scalar_right(BinaryOp::div, x + i, count, total);
    round(x + i, count);
  }
}

void StepwiseSoftmax::row(float* x, int64_t n) const {
  exponentials(x, n, reduce(ReduceOp::max, x, n));
  quotients(x, n, sum(x, n));
}

}  // namespace engine
