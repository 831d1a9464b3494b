// ENGINE_UNROLL before a loop of constant length: unrolled whole, so that arrays of vectors live in registers.
#pragma once

#if defined(__clang__)
#define ENGINE_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define ENGINE_UNROLL _Pragma("GCC unroll 16")
#else
#define ENGINE_UNROLL
#endif
