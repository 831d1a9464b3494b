// What kernels ask of the compiler, by one name for each.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define ENGINE_INLINE __forceinline
#define ENGINE_NOINLINE __declspec(noinline)
#define ENGINE_IVDEP __pragma(loop(ivdep))
#elif defined(__clang__)
#define ENGINE_INLINE inline __attribute__((always_inline))
#define ENGINE_NOINLINE __attribute__((noinline))
#define ENGINE_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define ENGINE_INLINE inline __attribute__((always_inline))
#define ENGINE_NOINLINE __attribute__((noinline))
#define ENGINE_IVDEP _Pragma("GCC ivdep")
#endif
// ENGINE_IVDEP before a loop: iteration i reads and writes elements i only, so an output that is exactly an input
// is no obstacle to vectorising.
