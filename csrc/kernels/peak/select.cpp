#include "kernels/dispatch.h"
#include "kernels/peak/peak.h"

namespace engine {

#define ENGINE_KERNEL(tier)            \
  namespace tier {                     \
  extern const PeakKernels peak_table; \
  }
#include "kernels/peak/kernels.inc"
#undef ENGINE_KERNEL

const PeakKernels& peak_kernels() {
  static constexpr KernelVariant<PeakKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::peak_table},
#include "kernels/peak/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

}  // namespace engine
