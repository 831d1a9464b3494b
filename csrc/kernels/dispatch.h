// How a kernel family offers its variants and how the best one is chosen.
//
// A family is a folder kernels/<family>/ with
//   <family>.h     the contract: a struct of function pointers (the family's table) and `const T& <family>_kernels()`
//   kernels.inc    the variants, best first, one a line:  ENGINE_IF_AVX512(ENGINE_KERNEL(avx512))
//                  and last, without a condition,         ENGINE_KERNEL(scalar)
//   <tier>.cpp     defines `extern const T <family>_table` inside namespace engine::<tier>
//   select.cpp     includes kernels.inc for the declarations and again for the choice (select_kernels)
// Files named after a tier are compiled with that tier's flags. They include no standard templates
// (the linker could keep their copy for everybody) and define nothing outside engine::<tier>.
#pragma once

#include "base/isa.h"

// ENGINE_IF_<TIER>(x) is x where the target architecture has the tier, else nothing.
#if defined(ENGINE_HAS_AVX2)
#define ENGINE_IF_AVX2(x) x
#else
#define ENGINE_IF_AVX2(x)
#endif
#if defined(ENGINE_HAS_AVX512)
#define ENGINE_IF_AVX512(x) x
#else
#define ENGINE_IF_AVX512(x)
#endif
#if defined(ENGINE_HAS_AVX512VNNI)
#define ENGINE_IF_AVX512VNNI(x) x
#else
#define ENGINE_IF_AVX512VNNI(x)
#endif
#if defined(ENGINE_HAS_AVX512VBMI)
#define ENGINE_IF_AVX512VBMI(x) x
#else
#define ENGINE_IF_AVX512VBMI(x)
#endif
#if defined(ENGINE_HAS_AVX512BF16)
#define ENGINE_IF_AVX512BF16(x) x
#else
#define ENGINE_IF_AVX512BF16(x)
#endif
#if defined(ENGINE_HAS_AVX512AMX)
#define ENGINE_IF_AVX512AMX(x) x
#else
#define ENGINE_IF_AVX512AMX(x)
#endif
#if defined(ENGINE_HAS_NEON)
#define ENGINE_IF_NEON(x) x
#else
#define ENGINE_IF_NEON(x)
#endif

namespace engine {

// One variant: usable when isa <= the active tier.
template <class T>
struct KernelVariant {
  Isa isa;
  const T* table;
};

// The first variant, in order (best first), that the active tier includes.
// REQUIRES: the last variant is Isa::scalar.
template <class T, int N>
const T& select_kernels(const KernelVariant<T> (&variants)[N]) {
  Isa active = active_isa();
  for (const KernelVariant<T>& v : variants)
    if (int(v.isa) <= int(active) && isa_supported(v.isa)) return *v.table;
  return *variants[N - 1].table;
}

}  // namespace engine
