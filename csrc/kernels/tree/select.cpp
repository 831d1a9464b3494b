#include "kernels/dispatch.h"
#include "kernels/tree/tree.h"

namespace engine {

#define ENGINE_KERNEL(tier)            \
  namespace tier {                     \
  extern const TreeKernels tree_table; \
  }
#include "kernels/tree/kernels.inc"
#undef ENGINE_KERNEL

const TreeKernels& tree_kernels() {
  static constexpr KernelVariant<TreeKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::tree_table},
#include "kernels/tree/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
