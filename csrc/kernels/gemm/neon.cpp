#include <math.h>
#include <arm_neon.h>

#include "kernels/gemm/gemm.h"

namespace engine::neon {

constexpr int64_t kTileMacs = 1000000;

#include "kernels/gemm/lanes_neon.h"
#include "kernels/gemm/gemm_tier.inl"

}  // namespace engine::neon
