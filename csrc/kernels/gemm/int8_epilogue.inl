// From integer sums to results.
#pragma once

#include "kernels/gemm/activate_row.inl"
#include "kernels/gemm/gemm_int8.h"
#include "kernels/gemm/int8_micro.inl"

namespace engine::ENGINE_TIER {
namespace {

// What the columns of a part of a panel need, in whole vectors so that rows are finished without remainders: where the caller
// has it, or in `own`.
struct ByteColumnTerms {
  const uint32_t* b_sums;
  const uint32_t* b_zeros;
  const uint32_t* bias;
  const float* scales;
  const float* float_bias;
  alignas(64) uint32_t own[5][kBytePanel];
};

alignas(64) static const uint32_t kZeroTerms[kBytePanel] = {};

// `whole` words: the first `columns` of them are those of `from`, or all are `word` where `from` is null.
static const void* terms_of(const void* from, uint32_t word, int columns, int whole, uint32_t* own) {
  if (from && columns == whole) return from;
  if (!from && word == 0) return kZeroTerms;
  const Words::V fill = Words::set(from ? 0u : word);
  for (int j = 0; j < whole; j += kLanes) Words::store(own + j, fill);
  if (from) memcpy(own, from, size_t(columns) * sizeof(uint32_t));
  return own;
}

static uint32_t word_of(float x) {
  uint32_t word;
  memcpy(&word, &x, sizeof word);
  return word;
}

static void load_column_terms(const GemmInt8& g, const int32_t* b_sums, int32_t b_shift, int64_t column, int columns,
                              int whole, ByteColumnTerms* t) {
  auto words = [&](const int32_t* from, uint32_t word, int i) {
    return static_cast<const uint32_t*>(terms_of(from, word, columns, whole, t->own[i]));
  };
  auto floats = [&](const float* from, float x, int i) {
    return static_cast<const float*>(terms_of(from, word_of(x), columns, whole, t->own[i]));
  };
  t->b_sums = words(b_sums, 0u, 0);
  t->b_zeros = g.b_zeros ? words(g.b_zeros + column, 0u, 1) : words(nullptr, uint32_t(g.b_zero) + uint32_t(b_shift), 1);
  if (g.b_zeros && b_shift) {
    const Words::V shift = Words::set(uint32_t(b_shift));
    for (int j = 0; j < whole; j += kLanes)
      Words::store(t->own[1] + j, Words::add(Words::load(t->b_zeros + j), shift));
    t->b_zeros = t->own[1];
  }
  t->bias = words(g.bias ? g.bias + column : nullptr, 0u, 2);
  t->scales = floats(g.column_scales ? g.column_scales + column : nullptr, g.scale, 3);
  t->float_bias = floats(g.float_bias ? g.float_bias + column : nullptr, 0.0f, 4);
}

// What a row's sums need besides.
struct ByteRowTerms {
  uint32_t a_zero;
  uint32_t a_sum;        // of (a - a_zero)
  const uint32_t* more;  // sums of earlier blocks of k, or null
  float scale;
};

// sums[j ...] from the sum of a b to the sum of (a - a_zero) (b - b_zero), modulo 2^32, with those of earlier blocks.
static ENGINE_INLINE Words::V exact_sums(const ByteColumnTerms& t, const ByteRowTerms& row, const uint32_t* sums, int j) {
  Words::V x = Words::load(sums + j);
  if (row.a_zero) x = Words::sub(x, Words::mul(Words::set(row.a_zero), Words::load(t.b_sums + j)));
  if (row.a_sum) x = Words::sub(x, Words::mul(Words::set(row.a_sum), Words::load(t.b_zeros + j)));
  return row.more ? Words::add(x, Words::load(row.more + j)) : x;
}

static void finish_words(const ByteColumnTerms& t, const ByteRowTerms& row, const uint32_t* sums, int whole, int32_t* c) {
  for (int j = 0; j < whole; j += kLanes)
    Words::store(c + j, Words::add(exact_sums(t, row, sums, j), Words::load(t.bias + j)));
}

static ENGINE_INLINE F32 scaled(const ByteColumnTerms& t, const ByteRowTerms& row, const uint32_t* sums, int j) {
  const F32 x = Words::to_float(Words::add(exact_sums(t, row, sums, j), Words::load(t.bias + j)));
  return x * broadcast(row.scale) * load(t.scales + j);
}

static void finish_floats(const GemmInt8& g, const ByteColumnTerms& t, const ByteRowTerms& row, const uint32_t* sums, int whole,
                          float* c) {
  for (int j = 0; j < whole; j += kLanes) store(c + j, scaled(t, row, sums, j) + load(t.float_bias + j));
  if (g.activation != Activation::none) activate_row(c, whole, g.activation, g.activation_a, g.activation_b);
}

// NaN becomes the lowest value.
static void finish_bytes(const GemmInt8& g, const ByteColumnTerms& t, const ByteRowTerms& row, const uint32_t* sums, int whole,
                         uint8_t* c) {
  const bool is_unsigned = g.result == Int8Result::u8, own = g.c_low == 0 && g.c_high == 0;
  const int32_t low = own ? (is_unsigned ? 0 : -128) : g.c_low, high = own ? (is_unsigned ? 255 : 127) : g.c_high;
  const F32 least = broadcast(float(low - g.c_zero)), most = broadcast(float(high - g.c_zero));
  const Words::V zero = Words::set(uint32_t(g.c_zero));
  for (int j = 0; j < whole; j += kLanes) {
    const F32 x = min(most, max(scaled(t, row, sums, j), least));
    Words::store_bytes(c + j, Words::add(Words::round(x), zero));
  }
}

static int64_t result_size(const GemmInt8& g) {
  return g.result == Int8Result::s32 || g.result == Int8Result::f32 ? 4 : 1;
}

// The row of C at `c` from its sums. Rows that end within a vector take a detour over a buffer.
static void finish_row(const GemmInt8& g, const ByteColumnTerms& t, const ByteRowTerms& row, const uint32_t* sums, char* c, int whole,
                       int columns) {
  alignas(64) char buffer[kBytePanel * sizeof(int32_t)];
  void* to = columns == whole ? c : buffer;
  if (g.result == Int8Result::s32) {
    finish_words(t, row, sums, whole, static_cast<int32_t*>(to));
  } else if (g.result == Int8Result::f32) {
    finish_floats(g, t, row, sums, whole, static_cast<float*>(to));
  } else {
    finish_bytes(g, t, row, sums, whole, static_cast<uint8_t*>(to));
  }
  if (to == buffer) memcpy(c, buffer, size_t(columns * result_size(g)));
}

}  // namespace
}  // namespace engine::ENGINE_TIER
