#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_int8.h"
#include "kernels/gemm/gemm_typed.h"

namespace engine::avx512 {

constexpr int64_t kTileMacs = 2500000;
constexpr int64_t kByteTileMacs = 2500000;

// clang-format off
#include "kernels/gemm/lanes_avx512.h"
#include "kernels/gemm/words_avx512.h"
#include "kernels/gemm/bytes_avx512.h"
#include "kernels/gemm/typed_lanes_plain.h"
#include "kernels/gemm/typed_lanes_avx512.h"
#include "kernels/gemm/gemm_tier.inl"
// clang-format on

}  // namespace engine::avx512
