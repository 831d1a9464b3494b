#include "kernels/dispatch.h"
#include "kernels/conv/conv_kernels.h"

namespace engine {

#define ENGINE_KERNEL(tier)             \
  namespace tier {                      \
  extern const ConvKernels conv_table; \
  }
#include "kernels/conv/kernels.inc"
#undef ENGINE_KERNEL

const ConvKernels& conv_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::conv_table},
  static const KernelVariant<ConvKernels> variants[] = {
#include "kernels/conv/kernels.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
