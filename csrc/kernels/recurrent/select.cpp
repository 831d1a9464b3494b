#include "kernels/dispatch.h"
#include "kernels/recurrent/recurrent.h"

namespace engine {

#define ENGINE_KERNEL(tier)                      \
  namespace tier {                               \
  extern const RecurrentKernels recurrent_table; \
  }
#include "kernels/recurrent/kernels.inc"
#undef ENGINE_KERNEL

const RecurrentKernels& recurrent_kernels() {
  static constexpr KernelVariant<RecurrentKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::recurrent_table},
#include "kernels/recurrent/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
