// Mean and variance of contiguous elements. For tier files.
#pragma once

#include "kernels/norm/norm.h"
#include "kernels/simd/accumulate.inl"

namespace engine::ENGINE_TIER {

static_assert(kNormBlock == kAccumulateBlock);

struct SquaredDifference : SumAccumulator {
  F32 mean;
  explicit SquaredDifference(F32 m) : mean(m) {}
  ENGINE_INLINE F32 fill() const { return mean; }
  ENGINE_INLINE F32 step(F32 acc, F32 x) const {
    F32 d = x - mean;
    return fma(d, d, acc);
  }
};

// Of a run of elements: how many, their mean, and the sum of the squared differences to it.
struct Moments {
  float count, mean, m2;
};

struct MergeMoments {
  static ENGINE_INLINE Moments combine(Moments a, Moments b) {
    float count = a.count + b.count, delta = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.count * share};
  }
};

ENGINE_INLINE Moments block_moments(const float* x, size_t n) {
  const float count = float(n);
  const float mean = SumAccumulator::across(accumulate_block(SumAccumulator(), Contiguous{x}, 0, n)) / count;
  const SquaredDifference op{broadcast(mean)};
  return {count, mean, op.across(accumulate_block(op, Contiguous{x}, 0, n))};
}

ENGINE_INLINE Moments moments_of(const float* x, size_t n) {
  if (n <= kNormBlock) return block_moments(x, n);
  PairwiseTree<MergeMoments, Moments> tree;
  for (size_t i = 0; i < n; i += kNormBlock) tree.push(block_moments(x + i, n - i < kNormBlock ? n - i : kNormBlock));
  return tree.result();
}

ENGINE_INLINE float inverse_std(Moments m, float epsilon) { return 1.0f / ::sqrtf(m.m2 / m.count + epsilon); }

static void run_moments(const float* x, size_t rows, size_t n, float epsilon, float* mean, float* inv_std) {
  for (size_t r = 0; r < rows; ++r) {
    Moments m = moments_of(x + r * n, n);
    mean[r] = m.mean;
    inv_std[r] = inverse_std(m, epsilon);
  }
}

}  // namespace engine::ENGINE_TIER
