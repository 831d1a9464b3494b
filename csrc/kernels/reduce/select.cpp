#include "kernels/dispatch.h"
#include "kernels/reduce/reduce.h"

namespace engine {

#define ENGINE_KERNEL(tier)                \
  namespace tier {                         \
  extern const ReduceKernels reduce_table; \
  }
#include "kernels/reduce/kernels.inc"
#undef ENGINE_KERNEL

const ReduceKernels& reduce_kernels() {
  static constexpr KernelVariant<ReduceKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::reduce_table},
#include "kernels/reduce/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

const char* reduce_name(ReduceOp op) {
  static constexpr const char* names[] = {
#define ENGINE_REDUCE(name) #name,
#include "kernels/reduce/reduce.inc"
#undef ENGINE_REDUCE
  };
  return names[int(op)];
}

}  // namespace engine
