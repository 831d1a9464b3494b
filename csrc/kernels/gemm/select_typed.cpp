#include "kernels/dispatch.h"
#include "kernels/gemm/gemm_typed.h"

namespace engine {

#define ENGINE_KERNEL(tier)                       \
  namespace tier {                                \
  extern const GemmTypedKernels gemm_typed_table; \
  }
#include "kernels/gemm/kernels.inc"
#undef ENGINE_KERNEL

const GemmTypedKernels& gemm_typed_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::gemm_typed_table},
  static constexpr KernelVariant<GemmTypedKernels> variants[] = {
#include "kernels/gemm/kernels.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
