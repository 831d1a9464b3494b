#include "kernels/dispatch.h"
#include "kernels/gemm/gemm_int8.h"

namespace engine {

#define ENGINE_KERNEL(tier)                     \
  namespace tier {                              \
  extern const GemmInt8Kernels gemm_int8_table; \
  }
#include "kernels/gemm/kernels_int8.inc"
#undef ENGINE_KERNEL

const GemmInt8Kernels& gemm_int8_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::gemm_int8_table},
  static constexpr KernelVariant<GemmInt8Kernels> variants[] = {
#include "kernels/gemm/kernels_int8.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
