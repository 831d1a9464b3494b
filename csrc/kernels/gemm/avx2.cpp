#include <math.h>
#include <immintrin.h>

#include "kernels/gemm/gemm.h"

namespace engine::avx2 {

constexpr int64_t kTileMacs = 2500000;

#include "kernels/gemm/lanes_avx2.h"
#include "kernels/gemm/gemm_tier.inl"

}  // namespace engine::avx2
