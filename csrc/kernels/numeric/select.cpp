#include "kernels/dispatch.h"
#include "kernels/numeric/numeric.h"

namespace engine {

#define ENGINE_KERNEL(tier)                    \
  namespace tier {                             \
  extern const NumericKernels numeric_table;   \
  }
#include "kernels/numeric/kernels.inc"
#undef ENGINE_KERNEL

const NumericKernels& numeric_kernels() {
  static constexpr KernelVariant<NumericKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::numeric_table},
#include "kernels/numeric/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
