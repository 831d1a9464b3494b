#include "base/isa.h"

#include <atomic>
#include <cstdlib>

#include "base/cpuid.h"

#if ENGINE_X86 && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace engine {
namespace {

constexpr const char* kNames[] = {"scalar", "neon", "avx2", "avx512", "avx512vnni", "avx512vbmi", "avx512bf16", "avx512amx"};
constexpr int kCount = 8;

#if ENGINE_X86
unsigned long long enabled_state() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  unsigned lo, hi;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return (static_cast<unsigned long long>(hi) << 32) | lo;
#endif
}

bool bit(unsigned reg, int n) { return (reg >> n) & 1u; }

// Linux gives a process room for the tile registers when it asks, unless it has stacks for signals that are too small for them.
bool tiles_granted() {
#if defined(__linux__)
  constexpr long kRequestState = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestState, kTileData) == 0;
#else
  return false;
#endif
}

bool probe(Isa isa) {
  if (isa == Isa::scalar) return true;
  if (isa == Isa::neon) return false;
  if (cpuid(0, 0).a < 7) return false;
  CpuidRegs l1 = cpuid(1, 0), l7 = cpuid(7, 0);
  if (!bit(l1.c, 27)) return false;  // OSXSAVE
  unsigned long long state = enabled_state();
  bool ymm = (state & 0x6) == 0x6, zmm = (state & 0xe6) == 0xe6;
  bool avx2 = ymm && bit(l1.c, 28) && bit(l1.c, 12) && bit(l1.c, 29) && bit(l7.b, 5);
  bool avx512 = avx2 && zmm && bit(l7.b, 16) && bit(l7.b, 17) && bit(l7.b, 28) && bit(l7.b, 30) && bit(l7.b, 31);
  bool vnni = avx512 && bit(l7.c, 11);
  bool vbmi = vnni && bit(l7.c, 1);
  bool bf16 = vnni && l7.a >= 1 && bit(cpuid(7, 1).a, 5);
  bool tiles = bf16 && vbmi && bit(l7.d, 24) && bit(l7.d, 25) && (state & 0x60000) == 0x60000;
  switch (isa) {
    case Isa::avx2: return avx2;
    case Isa::avx512: return avx512;
    case Isa::avx512vnni: return vnni;
    case Isa::avx512vbmi: return vbmi;
    case Isa::avx512bf16: return bf16;
    case Isa::avx512amx: return tiles && tiles_granted();
    default: return false;
  }
}
#elif defined(__aarch64__) || defined(_M_ARM64)
bool probe(Isa isa) { return isa == Isa::scalar || isa == Isa::neon; }
#else
bool probe(Isa isa) { return isa == Isa::scalar; }
#endif

Isa best_isa() {
  Isa best = Isa::scalar;
  for (int i = 0; i < kCount; ++i)
    if (isa_supported(Isa(i))) best = Isa(i);
  return best;
}

struct Choice {
  std::atomic<Isa> isa;
  Status status;
  Choice() : isa(best_isa()) {
    const char* name = std::getenv("ENGINE_ISA");
    if (!name || !*name) return;
    Result<Isa> forced = isa_from_name(name);
    if (!forced.ok()) {
      status = std::move(forced).status();
    } else if (!isa_supported(forced.value())) {
      status = error(Code::InternalError, "ENGINE_ISA=%s: this CPU does not support it", name);
    } else {
      isa = forced.value();
    }
  }
};

Choice& choice() {
  static Choice instance;
  return instance;
}

}  // namespace

const char* isa_name(Isa isa) { return kNames[int(isa)]; }

Result<Isa> isa_from_name(const std::string& name) {
  for (int i = 0; i < kCount; ++i)
    if (name == kNames[i]) return Isa(i);
  return error(Code::InternalError, "ENGINE_ISA=%s: unknown; known are scalar, neon, avx2, avx512, avx512vnni, avx512vbmi, avx512bf16, avx512amx", name.c_str());
}

bool isa_supported(Isa isa) {
  static const unsigned mask = [] {
    unsigned m = 0;
    for (int i = 0; i < kCount; ++i) m |= unsigned(probe(Isa(i))) << i;
    return m;
  }();
  return (mask >> int(isa)) & 1u;
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> all;
  for (int i = 0; i < kCount; ++i)
    if (isa_supported(Isa(i))) all.push_back(Isa(i));
  return all;
}

Isa active_isa() { return choice().isa.load(std::memory_order_relaxed); }

Status isa_status() {
  const Status& s = choice().status;
  return s.ok() ? Status() : Status(s.code(), s.message());
}

void force_isa(Isa isa) { choice().isa.store(isa, std::memory_order_relaxed); }

}  // namespace engine
