// What kernels ask of the compiler, by one name for each; ENGINE_INLINE is in inlining.h.
#pragma once

#include "kernels/inlining.h"

// ENGINE_IVDEP before a loop: iteration i reads and writes elements i only, so an output that is exactly an input
// is no obstacle to vectorising.
#if defined(_MSC_VER) && !defined(__clang__)
#define ENGINE_NOINLINE __declspec(noinline)
#define ENGINE_IVDEP __pragma(loop(ivdep))
#elif defined(__clang__)
#define ENGINE_NOINLINE __attribute__((noinline))
#define ENGINE_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define ENGINE_NOINLINE __attribute__((noinline))
#define ENGINE_IVDEP _Pragma("GCC ivdep")
#endif

// The pointer's memory is reached through no other while it lives.
#define ENGINE_RESTRICT __restrict
