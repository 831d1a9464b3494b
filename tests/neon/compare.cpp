// Runs the neon kernels of the vector families beside the scalar ones and compares. Prints what differs; the exit
// status is the number of failed comparisons (at most 99). For tests/test_neon.py, under an emulator or on the machine.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/convert/convert.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/recurrent/recurrent.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"
#include "kernels/transpose/transpose.h"

#define ENGINE_TABLES(tier)                              \
  namespace engine::tier {                               \
  extern const ElementwiseKernels elementwise_table;     \
  extern const ConvertKernels convert_table;             \
  extern const ReduceKernels reduce_table;               \
  extern const SoftmaxKernels softmax_table;             \
  extern const NormKernels norm_table;                   \
  extern const RecurrentKernels recurrent_table;         \
  extern const TransposeKernels transpose_table;         \
  }
ENGINE_TABLES(scalar)
ENGINE_TABLES(neon)

using namespace engine;
using Floats = std::vector<float>;

namespace {

int failures = 0;
std::mt19937 random_bits(7);

void expect(bool good, const char* what, size_t index) {
  if (good) return;
  if (failures++ < 20) std::printf("%s differs at %zu\n", what, index);
}

Floats values(size_t n) {
  const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-40f, 3.4e38f, 88.7f, -104.0f, 0.5f, 2.5f};
  Floats x(n);
  std::normal_distribution<float> normal(0, 4);
  for (float& v : x) v = random_bits() % 6 == 0 ? special[random_bits() % 12] : normal(random_bits);
  return x;
}

Floats finite(size_t n) {
  Floats x(n);
  std::normal_distribution<float> normal(0, 2);
  for (float& v : x) v = normal(random_bits);
  return x;
}

bool close(float a, float b, float scale) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::fabs(a - b) <= 1e-6f * std::fmax(std::fmin(scale, 1e30f), std::fabs(b)) + 1e-44f;
}

void expect_close(const Floats& a, const Floats& b, const char* what, float scale = 0) {
  for (size_t i = 0; i < a.size(); ++i) expect(close(a[i], b[i], scale), what, i);
}

template <class T>
void expect_same(const std::vector<T>& a, const std::vector<T>& b, const char* what) {
  for (size_t i = 0; i < a.size(); ++i) expect(std::memcmp(&a[i], &b[i], sizeof(T)) == 0, what, i);
}

constexpr const char* kUnary[] = {
#define ENGINE_UNARY(name) #name,
#include "kernels/elementwise/unary.inc"
#undef ENGINE_UNARY
};

void compare_unary(size_t n) {
  const Floats x = values(n);
  for (int op = 0; op < kUnaryOps; ++op) {
    Floats a(n), b(n);
    scalar::elementwise_table.unary[op](x.data(), a.data(), n, {0.75f, 0.25f});
    neon::elementwise_table.unary[op](x.data(), b.data(), n, {0.75f, 0.25f});
    for (size_t i = 0; i < n; ++i) expect(close(b[i], a[i], std::fabs(x[i]) / 2), kUnary[op], i);
  }
  for (int op = 0; op < kPredicateOps; ++op) {
    std::vector<uint8_t> a(n), b(n);
    scalar::elementwise_table.predicate[op](x.data(), a.data(), n, {});
    neon::elementwise_table.predicate[op](x.data(), b.data(), n, {});
    expect_same(a, b, "predicate");
  }
}

void compare_binary(size_t n) {
  const Floats x = values(n + 1), z = values(n + 1);
  for (int form = 0; form < kBroadcasts; ++form) {
    for (int op = 0; op < kBinaryOps; ++op) {
      if (!scalar::elementwise_table.binary[op][form]) continue;
      Floats a(n), b(n);
      scalar::elementwise_table.binary[op][form](x.data(), z.data(), a.data(), n);
      neon::elementwise_table.binary[op][form](x.data(), z.data(), b.data(), n);
      expect_close(b, a, "binary");
    }
    for (int op = 0; op < kCompareOps; ++op) {
      std::vector<uint8_t> a(n), b(n);
      scalar::elementwise_table.compare[op][form](x.data(), z.data(), a.data(), n);
      neon::elementwise_table.compare[op][form](x.data(), z.data(), b.data(), n);
      expect_same(a, b, "compare");
    }
  }
  const Floats u = finite(n), v = finite(n), w = finite(n);
  Floats a(n), b(n);
  scalar::elementwise_table.mul_add(u.data(), v.data(), w.data(), a.data(), n);
  neon::elementwise_table.mul_add(u.data(), v.data(), w.data(), b.data(), n);
  expect_close(b, a, "mul_add");
}

void compare_convert(size_t n) {
  const Floats x = values(n);
  const int f32 = int(ElementType::f32);
  for (ElementType small : {ElementType::f16, ElementType::bf16}) {
    std::vector<uint16_t> a(n), b(n);
    scalar::convert_table.fn[f32][int(small)](x.data(), a.data(), n);
    neon::convert_table.fn[f32][int(small)](x.data(), b.data(), n);
    Floats wide_a(n), wide_b(n);
    scalar::convert_table.fn[int(small)][f32](a.data(), wide_a.data(), n);
    neon::convert_table.fn[int(small)][f32](b.data(), wide_b.data(), n);
    for (size_t i = 0; i < n; ++i) {
      expect(std::isnan(x[i]) ? std::isnan(wide_b[i]) : a[i] == b[i], "narrow", i);
      expect(std::isnan(x[i]) || wide_a[i] == wide_b[i], "widen", i);
    }
  }
}

void compare_reduce(size_t n) {
  const Floats x = finite(5 * n + 1);
  for (int op = 0; op < kReduceOps; ++op) {
    if (ReduceOp(op) == ReduceOp::prod && n > 64) continue;
    Floats a(5), b(5), c(n), d(n);
    scalar::reduce_table.rows[op](x.data(), 5, n, a.data());
    neon::reduce_table.rows[op](x.data(), 5, n, b.data());
    expect_close(b, a, "reduce rows", float(n));
    scalar::reduce_table.columns[op](x.data(), 5, n, n, c.data());
    neon::reduce_table.columns[op](x.data(), 5, n, n, d.data());
    expect_close(d, c, "reduce columns", 10);
  }
  if (n == 0) return;
  const Floats v = values(5 * n);
  for (bool last : {false, true}) {
    std::vector<int64_t> a(5), b(5), c(n), d(n);
    scalar::reduce_table.argmax_rows(v.data(), 5, n, last, a.data());
    neon::reduce_table.argmax_rows(v.data(), 5, n, last, b.data());
    expect_same(a, b, "argmax rows");
    scalar::reduce_table.argmin_columns(v.data(), 5, n, n, last, c.data());
    neon::reduce_table.argmin_columns(v.data(), 5, n, n, last, d.data());
    expect_same(c, d, "argmin columns");
  }
}

void compare_rows(size_t n) {
  const Floats x = finite(5 * n), scale = finite(n), bias = finite(n);
  Floats a(5 * n), b(5 * n);
  scalar::softmax_table.softmax_rows({x.data(), a.data(), 5, n});
  neon::softmax_table.softmax_rows({x.data(), b.data(), 5, n});
  expect_close(b, a, "softmax", 1);
  scalar::softmax_table.log_softmax_columns({x.data(), a.data(), 5, n, n});
  neon::softmax_table.log_softmax_columns({x.data(), b.data(), 5, n, n});
  expect_close(b, a, "log softmax columns", 8);
  NormRows args{x.data(), a.data(), 5, n, 1e-3f, scale.data(), bias.data(), x.data()};
  scalar::norm_table.layer_norm(args);
  args.y = b.data();
  neon::norm_table.layer_norm(args);
  expect_close(b, a, "layer norm", 20);
}

void compare_cells(size_t n) {
  const Floats x = values(4 * n), g = finite(4 * n), bias = finite(n), state = finite(n);
  Floats c = state, d = state, h(n), i(n);
  scalar::recurrent_table.lstm(x.data(), g.data(), n, c.data(), h.data());
  neon::recurrent_table.lstm(x.data(), g.data(), n, d.data(), i.data());
  expect_close(d, c, "lstm state", 1);
  expect_close(i, h, "lstm", 1);
  c = state, d = state;
  scalar::recurrent_table.gru(x.data(), g.data(), bias.data(), n, c.data());
  neon::recurrent_table.gru(x.data(), g.data(), bias.data(), n, d.data());
  expect_close(d, c, "gru", 1);
}

void compare_transpose(size_t rows, size_t columns) {
  for (int log2 = 0; log2 < 5; ++log2) {
    std::vector<uint8_t> x(rows * columns << log2), a(x.size()), b(x.size());
    for (uint8_t& v : x) v = uint8_t(random_bits());
    scalar::transpose_table.block[log2](x.data(), ptrdiff_t(rows), a.data(), ptrdiff_t(columns), rows, columns);
    neon::transpose_table.block[log2](x.data(), ptrdiff_t(rows), b.data(), ptrdiff_t(columns), rows, columns);
    expect_same(a, b, "transpose");
  }
}

}  // namespace

int main() {
  for (size_t n : {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1000, 5000}) {
    compare_unary(n);
    compare_binary(n);
    compare_convert(n);
    compare_reduce(n);
    compare_rows(n);
    compare_cells(n);
  }
  for (size_t rows : {1, 3, 4, 8, 9, 17})
    for (size_t columns : {1, 4, 7, 8, 16, 33}) compare_transpose(rows, columns);
  std::printf("%d failures\n", failures);
  return failures < 99 ? failures : 99;
}
