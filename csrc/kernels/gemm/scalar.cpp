#include <math.h>
#include <string.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_int8.h"
#include "kernels/gemm/gemm_typed.h"

namespace engine::scalar {

constexpr int64_t kTileMacs = 250000;
constexpr int64_t kByteTileMacs = 250000;

// clang-format off
#include "kernels/gemm/lanes_scalar.h"
#include "kernels/gemm/words_plain.h"
#include "kernels/gemm/bytes_plain.h"
#include "kernels/gemm/typed_lanes_plain.h"
#include "kernels/gemm/typed_lanes_scalar.h"
#include "kernels/gemm/gemm_tier.inl"
// clang-format on

}  // namespace engine::scalar
