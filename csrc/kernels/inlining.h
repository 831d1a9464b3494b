// ENGINE_INLINE forces inlining: register-blocked kernels keep their accumulators in registers only when
// every step is inlined. ENGINE_INLINE_LAMBDA goes after a lambda's parameter list.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define ENGINE_INLINE __forceinline
#define ENGINE_INLINE_LAMBDA
#else
#define ENGINE_INLINE inline __attribute__((always_inline))
#define ENGINE_INLINE_LAMBDA __attribute__((always_inline))
#endif
