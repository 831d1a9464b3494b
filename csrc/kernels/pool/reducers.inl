// The two reductions that pooling is written over. REQUIRES: ENGINE_TIER and the tier's block header.
#pragma once

#include <math.h>

#include "kernels/pool/pool_kernels.h"

namespace engine {
namespace ENGINE_TIER {

struct Max {
  static ENGINE_INLINE float neutral() { return -INFINITY; }
  static ENGINE_INLINE Block join(Block acc, Block x) { return larger_or_nan(x, acc); }
  static ENGINE_INLINE float join(float acc, float x) { return x > acc || x != x ? x : acc; }
  static ENGINE_INLINE Block finish(Block acc, int64_t) { return acc; }
  static ENGINE_INLINE float finish(float acc, int64_t) { return acc; }
};

struct Average {
  static ENGINE_INLINE float neutral() { return 0.0f; }
  static ENGINE_INLINE Block join(Block acc, Block x) { return add(acc, x); }
  static ENGINE_INLINE float join(float acc, float x) { return acc + x; }
  static ENGINE_INLINE Block finish(Block acc, int64_t n) { return n ? div(acc, broadcast(float(n))) : zero_block(); }
  static ENGINE_INLINE float finish(float acc, int64_t n) { return n ? acc / float(n) : 0.0f; }
};

// The windows of one output row.
struct PoolRow {
  PoolWindow d, h;
  int64_t divisor(const PoolJob& job, const PoolWindow& w) const {
    return job.count_pads ? d.padded * h.padded * w.padded : d.count * h.count * w.count;
  }
};

static PoolRow pool_row(const PoolShape& s, int64_t row) {
  return {pool_window(s, 0, row / s.out[1]), pool_window(s, 1, row % s.out[1])};
}

}  // namespace ENGINE_TIER
}  // namespace engine
