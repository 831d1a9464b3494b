// A channel block in registers: the `Block::size` neighbouring channels that one pixel of a channel-blocked
// tensor holds. Every tier has a header block_<tier>.h with the same names; this is the plain one.
//
//   Block::registers, Block::parts   vector registers of the machine, and how many one Block takes
//   prefetch(p)                      a hint; p may be any address
//   Block::masked                    load_first and store_first are single instructions
//   load_first, store_first          the first n lanes only, 0 <= n <= size; lanes not loaded are zero
//   fma(acc, a, b)                   acc + a * b, with one rounding where the tier has it
//   at_least(x, low)                 x < low ? low : x, so that NaN stays NaN; at_most alike
//   where_negative(x, yes, no)       x < 0 ? yes : no
//   larger_or_nan(x, y)              x if x > y or x is NaN, else y
//   first_lanes(x, n)                lanes from n on become +0
#pragma once

#include "kernels/inlining.h"

namespace engine {
namespace scalar {

struct Block {
  static constexpr int size = 8;
  static constexpr int registers = 16;
  static constexpr int parts = 2;
  static constexpr bool masked = false;
#if defined(__GNUC__)
  typedef float Half __attribute__((vector_size(16)));
  Half lo, hi;
  ENGINE_INLINE float get(int i) const { return i < 4 ? lo[i] : hi[i - 4]; }
  ENGINE_INLINE void set(int i, float x) { i < 4 ? (void)(lo[i] = x) : (void)(hi[i - 4] = x); }
#else
  float lane[8];
  ENGINE_INLINE float get(int i) const { return lane[i]; }
  ENGINE_INLINE void set(int i, float x) { lane[i] = x; }
#endif
};

ENGINE_INLINE void prefetch(const float*) {}

template <class F>
ENGINE_INLINE Block each_lane(F f) {
  Block y;
  for (int i = 0; i < Block::size; ++i) y.set(i, f(i));
  return y;
}

ENGINE_INLINE Block load_first(const float* p, int n) {
  return each_lane([&](int i) { return i < n ? p[i] : 0.0f; });
}
ENGINE_INLINE void store_first(float* p, Block x, int n) {
  for (int i = 0; i < n; ++i) p[i] = x.get(i);
}
#if defined(__GNUC__)
ENGINE_INLINE Block load(const float* p) {
  Block y;
  __builtin_memcpy(&y, p, sizeof y);
  return y;
}
ENGINE_INLINE void store(float* p, Block x) { __builtin_memcpy(p, &x, sizeof x); }
ENGINE_INLINE Block broadcast(float x) {
  Block::Half v = {x, x, x, x};
  return {v, v};
}
ENGINE_INLINE Block fma(Block acc, Block a, Block b) { return {acc.lo + a.lo * b.lo, acc.hi + a.hi * b.hi}; }
ENGINE_INLINE Block add(Block a, Block b) { return {a.lo + b.lo, a.hi + b.hi}; }
ENGINE_INLINE Block sub(Block a, Block b) { return {a.lo - b.lo, a.hi - b.hi}; }
ENGINE_INLINE Block mul(Block a, Block b) { return {a.lo * b.lo, a.hi * b.hi}; }
ENGINE_INLINE Block div(Block a, Block b) { return {a.lo / b.lo, a.hi / b.hi}; }
ENGINE_INLINE Block at_least(Block x, Block low) {
  return {x.lo < low.lo ? low.lo : x.lo, x.hi < low.hi ? low.hi : x.hi};
}
ENGINE_INLINE Block at_most(Block x, Block high) {
  return {x.lo > high.lo ? high.lo : x.lo, x.hi > high.hi ? high.hi : x.hi};
}
#else
ENGINE_INLINE Block load(const float* p) { return load_first(p, Block::size); }
ENGINE_INLINE void store(float* p, Block x) { store_first(p, x, Block::size); }
ENGINE_INLINE Block broadcast(float x) {
  return each_lane([&](int) { return x; });
}
ENGINE_INLINE Block fma(Block acc, Block a, Block b) {
  return each_lane([&](int i) { return acc.get(i) + a.get(i) * b.get(i); });
}
ENGINE_INLINE Block add(Block a, Block b) {
  return each_lane([&](int i) { return a.get(i) + b.get(i); });
}
ENGINE_INLINE Block sub(Block a, Block b) {
  return each_lane([&](int i) { return a.get(i) - b.get(i); });
}
ENGINE_INLINE Block mul(Block a, Block b) {
  return each_lane([&](int i) { return a.get(i) * b.get(i); });
}
ENGINE_INLINE Block div(Block a, Block b) {
  return each_lane([&](int i) { return a.get(i) / b.get(i); });
}
ENGINE_INLINE Block at_least(Block x, Block low) {
  return each_lane([&](int i) { return x.get(i) < low.get(i) ? low.get(i) : x.get(i); });
}
ENGINE_INLINE Block at_most(Block x, Block high) {
  return each_lane([&](int i) { return x.get(i) > high.get(i) ? high.get(i) : x.get(i); });
}
#endif
ENGINE_INLINE Block zero_block() { return broadcast(0.0f); }
ENGINE_INLINE Block where_negative(Block x, Block yes, Block no) {
  return each_lane([&](int i) { return x.get(i) < 0.0f ? yes.get(i) : no.get(i); });
}
ENGINE_INLINE Block larger_or_nan(Block x, Block y) {
  return each_lane([&](int i) { return x.get(i) > y.get(i) || x.get(i) != x.get(i) ? x.get(i) : y.get(i); });
}
ENGINE_INLINE Block first_lanes(Block x, int n) {
  return each_lane([&](int i) { return i < n ? x.get(i) : 0.0f; });
}

}  // namespace scalar
}  // namespace engine
