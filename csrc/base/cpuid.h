// The instruction CPUID. Only where ENGINE_X86 is defined.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define ENGINE_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace engine {

struct CpuidRegs {
  unsigned a, b, c, d;
};

inline CpuidRegs cpuid(unsigned leaf, unsigned sub) {
  CpuidRegs r{};
#if defined(_MSC_VER)
  int v[4];
  __cpuidex(v, static_cast<int>(leaf), static_cast<int>(sub));
  r = {unsigned(v[0]), unsigned(v[1]), unsigned(v[2]), unsigned(v[3])};
#else
  __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
#endif
  return r;
}

}  // namespace engine
#endif
