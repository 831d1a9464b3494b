#include "base/software_prefetch.h"

#include "base/cpuid.h"

namespace engine {
namespace {

#if ENGINE_X86
// As CPUID tells it: 0x17 for Zen to Zen 2, 0x19 for Zen 3 and Zen 4, 0x1a for Zen 5.
unsigned family() {
  const unsigned version = cpuid(1, 0).a, base = version >> 8 & 0xf;
  return base == 0xf ? base + (version >> 20 & 0xff) : base;
}

bool made_by_amd() {
  constexpr unsigned kAuth = 0x68747541;  // AuthenticAMD
  constexpr unsigned kHygo = 0x6f677948;  // HygonGenuine, of the same design
  const unsigned maker = cpuid(0, 0).b;
  return maker == kAuth || maker == kHygo;
}
#endif

}  // namespace

bool software_prefetch_pays() {
#if ENGINE_X86
  static const bool pays = !made_by_amd() || family() > 0x19;
  return pays;
#else
  return true;
#endif
}

}  // namespace engine
