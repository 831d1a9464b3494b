// Instruction-set tiers and which of them this process uses.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace engine {

// Ordered within an architecture: a later tier includes the earlier ones, but avx512bf16 not avx512vbmi (Cooper Lake lacks it).
enum class Isa : int { scalar = 0, neon = 1, avx2 = 2, avx512 = 3, avx512vnni = 4, avx512vbmi = 5, avx512bf16 = 6, avx512amx = 7 };

const char* isa_name(Isa isa);
Result<Isa> isa_from_name(const std::string& name);

// True when the CPU and the operating system (xgetbv) support `isa`. The first question asks Linux to let this process use
// the tile registers of avx512amx, where the CPU has them.
bool isa_supported(Isa isa);

// The tiers that this machine supports, lowest first.
std::vector<Isa> supported_isas();

// The tier that kernels are chosen for: the best supported, unless the environment variable ENGINE_ISA names
// another when the library is loaded. A name that is unknown or unsupported is an error of every load (see isa_status).
Isa active_isa();
Status isa_status();

// For tests: chooses the tier for models loaded from now on. REQUIRES: isa_supported(isa).
void force_isa(Isa isa);

}  // namespace engine
