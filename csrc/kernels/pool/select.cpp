#include "kernels/dispatch.h"
#include "kernels/pool/pool_kernels.h"

namespace engine {

#define ENGINE_KERNEL(tier)             \
  namespace tier {                      \
  extern const PoolKernels pool_table; \
  }
#include "kernels/pool/kernels.inc"
#undef ENGINE_KERNEL

const PoolKernels& pool_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::pool_table},
  static const KernelVariant<PoolKernels> variants[] = {
#include "kernels/pool/kernels.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
