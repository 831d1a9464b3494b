#include "kernels/dispatch.h"
#include "kernels/convert/convert.h"

namespace engine {

#define ENGINE_KERNEL(tier)                    \
  namespace tier {                             \
  extern const ConvertKernels convert_table;   \
  }
#include "kernels/convert/kernels.inc"
#undef ENGINE_KERNEL

const ConvertKernels& convert_kernels() {
  static constexpr KernelVariant<ConvertKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::convert_table},
#include "kernels/convert/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
