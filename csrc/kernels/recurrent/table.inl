// The cells of recurrent operators and the table of one tier. For tier files.
#pragma once

#include "kernels/recurrent/recurrent.h"
#include "kernels/simd/math.inl"

namespace engine::ENGINE_TIER {

// A whole vector of elements, or the first few lanes of one.
struct WholeLanes {
  ENGINE_INLINE F32 read(const float* p) const { return load(p); }
  ENGINE_INLINE void write(float* p, F32 x) const { store(p, x); }
};
struct FirstLanes {
  size_t n;
  ENGINE_INLINE F32 read(const float* p) const { return load(p, n); }
  ENGINE_INLINE void write(float* p, F32 x) const { store(p, x, n); }
};

// fn(i, lanes) for every vector of [0, n).
template <class Fn>
ENGINE_INLINE void for_lanes(size_t n, Fn fn) {
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) fn(i, WholeLanes());
  if (i < n) fn(i, FirstLanes{n - i});
}

// A function's value as a quotient, so that a product of two is one division.
struct Quotient {
  F32 over, under;
};

static ENGINE_INLINE Quotient sigmoid_quotient(F32 x) {
  F32 e = exp(-abs(x)), one = broadcast(1.0f);
  return {select(lt(x, broadcast(0.0f)), e, one), one + e};
}

static ENGINE_INLINE Quotient tanh_quotient(F32 x) {
  F32 t = expm1_negative(abs(x) * broadcast(-2.0f));
  return {copysign(t, x), t + broadcast(2.0f)};
}

static ENGINE_INLINE F32 product(Quotient a, Quotient b) { return (a.over * b.over) / (a.under * b.under); }

static void lstm(const float* x, const float* g, size_t n, float* c, float* h) {
  for_lanes(n, [&](size_t i, auto at) {
    Quotient in = sigmoid_quotient(at.read(x + i) + at.read(g + i));
    Quotient fresh = tanh_quotient(at.read(x + 3 * n + i) + at.read(g + 3 * n + i));
    F32 forget = sigmoid(at.read(x + 2 * n + i) + at.read(g + 2 * n + i));
    F32 state = fma(forget, at.read(c + i), product(in, fresh));
    at.write(c + i, state);
    Quotient out = sigmoid_quotient(at.read(x + n + i) + at.read(g + n + i));
    at.write(h + i, product(out, tanh_quotient(state)));
  });
}

// (1 - z) fresh + z h.
static ENGINE_INLINE F32 blend(F32 z, F32 fresh, F32 h) { return fma(z, h, (broadcast(1.0f) - z) * fresh); }

static void gru(const float* x, const float* g, const float* bias, size_t n, float* h) {
  for_lanes(n, [&](size_t i, auto at) {
    F32 z = sigmoid(at.read(x + i) + at.read(g + i));
    F32 r = sigmoid(at.read(x + n + i) + at.read(g + n + i));
    F32 fresh = tanh(fma(r, at.read(g + 2 * n + i) + at.read(bias + i), at.read(x + 2 * n + i)));
    at.write(h + i, blend(z, fresh, at.read(h + i)));
  });
}

static void gru_gates(const float* x, float* g, size_t n, const float* h, float* reset) {
  for_lanes(n, [&](size_t i, auto at) {
    at.write(g + i, sigmoid(at.read(x + i) + at.read(g + i)));
    F32 r = sigmoid(at.read(x + n + i) + at.read(g + n + i));
    at.write(g + n + i, r);
    at.write(reset + i, r * at.read(h + i));
  });
}

static void gru_finish(const float* x, const float* g, size_t n, float* h) {
  for_lanes(n, [&](size_t i, auto at) {
    F32 fresh = tanh(at.read(x + 2 * n + i) + at.read(g + 2 * n + i));
    at.write(h + i, blend(at.read(g + i), fresh, at.read(h + i)));
  });
}

extern const RecurrentKernels recurrent_table;
const RecurrentKernels recurrent_table = {lstm, gru, gru_gates, gru_finish};

}  // namespace engine::ENGINE_TIER
