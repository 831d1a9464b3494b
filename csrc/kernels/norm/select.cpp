#include "kernels/dispatch.h"
#include "kernels/norm/norm.h"

namespace engine {

#define ENGINE_KERNEL(tier)            \
  namespace tier {                     \
  extern const NormKernels norm_table; \
  }
#include "kernels/norm/kernels.inc"
#undef ENGINE_KERNEL

const NormKernels& norm_kernels() {
  static constexpr KernelVariant<NormKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::norm_table},
#include "kernels/norm/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
