#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/gemm/gemm_int8.h"

namespace engine::avx512vnni {

constexpr int64_t kByteTileMacs = 8000000;

// clang-format off
#include "kernels/gemm/lanes_avx512.h"
#include "kernels/gemm/words_avx512.h"
#include "kernels/gemm/bytes_vnni.h"
#include "kernels/gemm/unroll.inl"
#include "kernels/gemm/activate_row.inl"
#include "kernels/gemm/int8_micro.inl"
#include "kernels/gemm/int8_pack.inl"
#include "kernels/gemm/int8_epilogue.inl"
#include "kernels/gemm/int8_run.inl"
// clang-format on

}  // namespace engine::avx512vnni
