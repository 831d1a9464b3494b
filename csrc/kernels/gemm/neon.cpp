#include <arm_neon.h>
#include <math.h>

#include "kernels/gemm/gemm.h"

namespace engine::neon {

constexpr int64_t kTileMacs = 1000000;

// clang-format off
#include "kernels/gemm/lanes_neon.h"
#include "kernels/gemm/gemm_tier.inl"
// clang-format on

}  // namespace engine::neon
