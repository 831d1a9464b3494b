#include "kernels/dispatch.h"
#include "kernels/quant/quant.h"

namespace engine {

#define ENGINE_KERNEL(tier)              \
  namespace tier {                       \
  extern const QuantKernels quant_table; \
  }
#include "kernels/quant/kernels.inc"
#undef ENGINE_KERNEL

const QuantKernels& quant_kernels() {
  static constexpr KernelVariant<QuantKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::quant_table},
#include "kernels/quant/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
