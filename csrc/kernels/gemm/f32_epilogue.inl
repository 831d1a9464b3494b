// What happens to finished sums on their way into C.
#pragma once

#include "kernels/gemm/activate_row.inl"
#include "kernels/gemm/gemm.h"

namespace engine::ENGINE_TIER {
namespace {

// True when C is the bare sum.
static bool is_bare(const GemmF32& g) {
  const GemmEpilogue& e = g.epilogue;
  return g.alpha == 1.0f && g.beta == 0.0f && !e.column_bias && !e.row_bias && !e.residual &&
         e.activation == Activation::none && !e.row_fn;
}

// The limits of activations that are limits; false for others.
static bool activation_limits(const GemmEpilogue& e, float* low, float* high) {
  bool relu = e.activation == Activation::relu;
  *low = relu ? 0.0f : e.activation_a;
  *high = relu ? HUGE_VALF : e.activation_b;
  return relu || e.activation == Activation::clip;
}

// One row: c[0 .. n) = limits(alpha * sums + beta * c + bias + residual). residual may be c.
struct RowTerms {
  const float* column_bias;
  const float* residual;
  float alpha, beta, row_bias, low, high;
  bool limited, add_row_bias;
};

static ENGINE_INLINE F32 add_terms(F32 x, const float* c, int64_t j, int left, const RowTerms& t) {
  auto term = [=](const float* p) { return left >= kLanes ? load(p + j) : load(p + j, size_t(left)); };
  if (t.alpha != 1.0f) x = x * broadcast(t.alpha);
  if (t.beta != 0.0f) x = x + broadcast(t.beta) * term(c);
  if (t.column_bias) x = x + term(t.column_bias);
  if (t.add_row_bias) x = x + broadcast(t.row_bias);
  if (t.residual) x = x + term(t.residual);
  if (t.limited) x = min(broadcast(t.high), max(broadcast(t.low), x));
  return x;
}

// Sums of rows [row, row + rows) and columns [column, column + columns) of C; sums has whole vectors in each row.
static void finish(const GemmF32& g, const float* sums, int64_t sums_row, int64_t row, int rows, int64_t column,
                   int columns) {
  const GemmEpilogue& e = g.epilogue;
  RowTerms t;
  t.alpha = g.alpha, t.beta = g.beta;
  t.limited = activation_limits(e, &t.low, &t.high);
  t.column_bias = e.column_bias ? e.column_bias + column : nullptr;
  t.add_row_bias = e.row_bias != nullptr;
  for (int i = 0; i < rows; ++i, sums += sums_row) {
    float* c = g.c + (row + i) * g.c_stride + column;
    t.row_bias = e.row_bias ? e.row_bias[row + i] : 0.0f;
    t.residual = e.residual ? e.residual + (row + i) * e.residual_stride + column : nullptr;
    int j = 0;
    for (; j + kLanes <= columns; j += kLanes) store(c + j, add_terms(load(sums + j), c, j, kLanes, t));
    if (j < columns) store(c + j, add_terms(load(sums + j), c, j, columns - j, t), columns - j);
    if (!t.limited && e.activation != Activation::none)
      activate_row(c, columns, e.activation, e.activation_a, e.activation_b);
    if (e.row_fn) e.row_fn(c, columns, column, e.row_context);
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
