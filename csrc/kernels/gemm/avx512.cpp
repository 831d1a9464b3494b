#include <math.h>
#include <immintrin.h>

#include "kernels/gemm/gemm.h"

namespace engine::avx512 {

constexpr int64_t kTileMacs = 2500000;

#include "kernels/gemm/lanes_avx512.h"
#include "kernels/gemm/gemm_tier.inl"

}  // namespace engine::avx512
