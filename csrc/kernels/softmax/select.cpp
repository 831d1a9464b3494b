#include "kernels/dispatch.h"
#include "kernels/softmax/softmax.h"

namespace engine {

#define ENGINE_KERNEL(tier)                  \
  namespace tier {                           \
  extern const SoftmaxKernels softmax_table; \
  }
#include "kernels/softmax/kernels.inc"
#undef ENGINE_KERNEL

const SoftmaxKernels& softmax_kernels() {
  static constexpr KernelVariant<SoftmaxKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::softmax_table},
#include "kernels/softmax/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
