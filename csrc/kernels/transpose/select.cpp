#include "kernels/dispatch.h"
#include "kernels/transpose/transpose.h"

namespace engine {

#define ENGINE_KERNEL(tier)                      \
  namespace tier {                               \
  extern const TransposeKernels transpose_table; \
  }
#include "kernels/transpose/kernels.inc"
#undef ENGINE_KERNEL

const TransposeKernels& transpose_kernels() {
  static constexpr KernelVariant<TransposeKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::transpose_table},
#include "kernels/transpose/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
