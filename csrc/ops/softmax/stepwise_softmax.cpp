#include "ops/softmax/stepwise_softmax.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

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

// x rounded to bfloat16. REQUIRES: where x is NaN, its low half is zero (so it is in sums of values of bfloat16).
float to_bfloat(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}

float bfloat_run(const float* x, int64_t n) {
  float total = x[0];
  for (int64_t i = 1; i < n; ++i) total = to_bfloat(total + x[i]);
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
    for (; i + kRun <= n && count < kConvertBlock; i += kRun) runs[count++] = bfloat_run(x + i, kRun);
    if (i + kRun > n && i < n && count < kConvertBlock) runs[count++] = bfloat_run(x + i, n - i), i = n;
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
