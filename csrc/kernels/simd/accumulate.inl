// Accumulation in an order that the number of elements fixes, accurate for long inputs. For tier files.
//
// A leaf of at most kAccumulateLeaf elements is accumulated in four vectors (element i goes to lane i % (4 kWidth)),
// which are combined as (0 + 1) + (2 + 3): at most 32 elements follow one another in a lane. The leaves of a block of
// kAccumulateBlock elements are combined pairwise, in a binary tree that is filled from the left, then across the lanes;
// the blocks in such a tree again. The error grows with the logarithm of the number of leaves.
//
// An Accumulator is a type with
//   F32 init()                   the value of no elements
//   F32 fill()                   an element that changes nothing
//   F32 step(F32 acc, F32 x)     one more vector of elements
//   combine(a, b)                two partial results, for F32 and for float
//   float across(F32 acc)        all lanes into one
#pragma once

#include "kernels/simd/vec.h"

namespace engine::ENGINE_TIER {

// Pairwise combination of values pushed one by one. T is F32 or float.
template <class Accumulator, class T>
class PairwiseTree {
 public:
  ENGINE_INLINE void push(T value) {
    int level = 0;
    for (uint64_t full = count_++; full & 1; full >>= 1, ++level) value = Accumulator::combine(level_[level], value);
    level_[level] = value;
  }

  // REQUIRES: something was pushed.
  ENGINE_INLINE T result() const {
    int level = 0;
    while (!(count_ >> level & 1)) ++level;
    T value = level_[level];
    while (count_ >> ++level)
      if (count_ >> level & 1) value = Accumulator::combine(level_[level], value);
    return value;
  }

 private:
  T level_[64];
  uint64_t count_ = 0;
};

// Elements in memory.
struct Contiguous {
  const float* p;
  ENGINE_INLINE F32 at(size_t i) const { return load(p + i); }
  ENGINE_INLINE F32 at(size_t i, size_t n, F32 other) const { return load_or(p + i, n, other); }
};

inline constexpr size_t kAccumulateLeaf = 128 * kWidth;
inline constexpr size_t kAccumulateBlock = 4096;

// Elements begin .. end of a source as one vector of partial results. `x.at(i)` gives the vector that begins at element
// i; `x.at(i, n, other)` its first n lanes, and the others from `other`. Each element is asked for once.
template <class Accumulator, class Source>
ENGINE_INLINE F32 accumulate_leaf(const Accumulator& op, const Source& x, size_t begin, size_t end) {
  F32 a0 = op.init(), a1 = a0, a2 = a0, a3 = a0;
  size_t i = begin;
  for (; i + 4 * kWidth <= end; i += 4 * kWidth) {
    a0 = op.step(a0, x.at(i));
    a1 = op.step(a1, x.at(i + kWidth));
    a2 = op.step(a2, x.at(i + 2 * kWidth));
    a3 = op.step(a3, x.at(i + 3 * kWidth));
  }
  if (i + kWidth <= end) a0 = op.step(a0, x.at(i)), i += kWidth;
  if (i + kWidth <= end) a1 = op.step(a1, x.at(i)), i += kWidth;
  if (i + kWidth <= end) a2 = op.step(a2, x.at(i)), i += kWidth;
  if (i < end) a3 = op.step(a3, x.at(i, end - i, op.fill()));
  return op.combine(op.combine(a0, a1), op.combine(a2, a3));
}

template <class Accumulator, class Source>
ENGINE_INLINE F32 accumulate_block(const Accumulator& op, const Source& x, size_t begin, size_t end) {
  PairwiseTree<Accumulator, F32> tree;
  for (size_t i = begin;;) {
    const size_t next = end - i <= kAccumulateLeaf ? end : i + kAccumulateLeaf;
    const F32 leaf = accumulate_leaf(op, x, i, next);
    if (i == begin && next == end) return leaf;
    tree.push(leaf);
    if (next == end) return tree.result();
    i = next;
  }
}

// All n elements of a source.
template <class Accumulator, class Source>
ENGINE_INLINE float accumulate(const Accumulator& op, const Source& x, size_t n) {
  PairwiseTree<Accumulator, float> tree;
  for (size_t i = 0;;) {
    const size_t next = n - i <= kAccumulateBlock ? n : i + kAccumulateBlock;
    const float block = op.across(accumulate_block(op, x, i, next));
    if (next == n && i == 0) return block;
    tree.push(block);
    if (next == n) return tree.result();
    i = next;
  }
}

struct SumAccumulator {
  static ENGINE_INLINE F32 init() { return broadcast(0.0f); }
  static ENGINE_INLINE F32 fill() { return broadcast(0.0f); }
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return acc + x; }
  static ENGINE_INLINE F32 combine(F32 a, F32 b) { return a + b; }
  static ENGINE_INLINE float combine(float a, float b) { return a + b; }
  static ENGINE_INLINE float across(F32 acc) { return sum(acc); }
};

struct MaxAccumulator {
  static ENGINE_INLINE F32 init() { return broadcast(-INFINITY); }
  static ENGINE_INLINE F32 fill() { return broadcast(-INFINITY); }
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return max_nan(acc, x); }
  static ENGINE_INLINE F32 combine(F32 a, F32 b) { return max_nan(a, b); }
  static ENGINE_INLINE float combine(float a, float b) { return a > b || a != a ? a : b; }
  static ENGINE_INLINE float across(F32 acc) { return max_lane(acc); }
};

}  // namespace engine::ENGINE_TIER
