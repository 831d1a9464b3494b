#include "kernels/dispatch.h"
#include "kernels/blocked/blocked.h"

namespace engine {

#define ENGINE_KERNEL(tier)             \
  namespace tier {                      \
  extern const BlockedKernels blocked_table; \
  }
#include "kernels/blocked/kernels.inc"
#undef ENGINE_KERNEL

const BlockedKernels& blocked_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::blocked_table},
  static const KernelVariant<BlockedKernels> variants[] = {
#include "kernels/blocked/kernels.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
