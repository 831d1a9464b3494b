// What micro-kernels need to keep their sums in registers.
#pragma once

#include "kernels/simd/vec.h"

// ENGINE_UNROLL before a loop of constant length: unrolled whole, so that arrays of vectors live in registers.
#if defined(__clang__)
#define ENGINE_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define ENGINE_UNROLL _Pragma("GCC unroll 16")
#else
#define ENGINE_UNROLL
#endif

namespace engine::ENGINE_TIER {
namespace {

constexpr int kLanes = int(kWidth);
constexpr int kRegisters = kLanes == 16 || kLanes == 4 ? 32 : 16;  // vector registers of the instruction set

// Multiply-adds of about 100 us at the lowest rate to expect of float32.
constexpr int64_t kTileMacs = kLanes >= 8 ? 2500000 : kLanes == 4 ? 1000000 : 250000;

// a * b + c, rounded once where the instruction set can.
ENGINE_INLINE F32 multiply_add(F32 a, F32 b, F32 c) {
  if constexpr (kLanes == 1) {
    return a * b + c;
  } else {
    return add_product(c, a, b);
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
