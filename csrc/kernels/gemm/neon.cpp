#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_int8.h"
#include "kernels/gemm/gemm_typed.h"

namespace engine::neon {

constexpr int64_t kTileMacs = 1000000;
constexpr int64_t kByteTileMacs = 500000;

// clang-format off
#include "kernels/gemm/lanes_neon.h"
#include "kernels/gemm/words_plain.h"
#include "kernels/gemm/bytes_plain.h"
#include "kernels/gemm/typed_lanes_plain.h"
#include "kernels/gemm/typed_lanes_neon.h"
#include "kernels/gemm/gemm_tier.inl"
// clang-format on

}  // namespace engine::neon
