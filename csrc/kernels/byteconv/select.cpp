#include "kernels/byteconv/byteconv.h"
#include "kernels/dispatch.h"

namespace engine {

#define ENGINE_KERNEL(tier)                     \
  namespace tier {                              \
  extern const ByteConvKernels byte_conv_table; \
  }
#include "kernels/byteconv/kernels.inc"
#undef ENGINE_KERNEL

const ByteConvKernels& byte_conv_kernels() {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::byte_conv_table},
  static constexpr KernelVariant<ByteConvKernels> variants[] = {
#include "kernels/byteconv/kernels.inc"
  };
#undef ENGINE_KERNEL
  return select_kernels(variants);
}

}  // namespace engine
