#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace engine {

#define ENGINE_KERNEL(tier)            \
  namespace tier {                     \
  extern const GemmKernels gemm_table; \
  }
#include "kernels/gemm/kernels.inc"
#undef ENGINE_KERNEL

const GemmKernels& gemm_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::gemm_table},
  static constexpr KernelVariant<GemmKernels> variants[] = {
#include "kernels/gemm/kernels.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
