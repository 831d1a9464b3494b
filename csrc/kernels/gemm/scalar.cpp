#include <math.h>

#include "kernels/gemm/gemm.h"

namespace engine::scalar {

constexpr int64_t kTileMacs = 250000;

#include "kernels/gemm/lanes_scalar.h"
#include "kernels/gemm/gemm_tier.inl"

}  // namespace engine::scalar
