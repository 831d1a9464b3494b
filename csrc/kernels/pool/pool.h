// Max and average pooling of float32 tensors (1-D to 3-D, plain or blocked) in bounded tiles. Other types, indices and
// Lp pooling: pool_generic.h.
//
// Thread-safety: a plan is immutable; calls of run() on disjoint tile ranges may overlap in time when each has its own
// scratch. The bits of the output do not depend on how tiles are cut.
#pragma once

#include <stddef.h>

#include <memory>

#include "kernels/blocked/blocked.h"
#include "kernels/pool/pool_kernels.h"

namespace engine {

class PoolPlan {
 public:
  virtual ~PoolPlan() = default;
  // Some tens of microseconds each; zero when the output is empty.
  virtual size_t tiles() const = 0;
  // Bytes that each concurrent run() needs, aligned to 64; may be zero.
  virtual size_t scratch_bytes() const = 0;
  // Input and output have the plan's layout and do not overlap. Padding lanes are written as +0.
  virtual void run(const float* input, float* output, size_t begin, size_t end, void* scratch) const = 0;
};

// On the active tier. count_pads (average only): the divisor counts the positions in the pads too.
std::unique_ptr<const PoolPlan> make_pool_plan(const PoolShape& shape, PoolKind kind, ChannelLayout layout,
                                               bool count_pads);

}  // namespace engine
