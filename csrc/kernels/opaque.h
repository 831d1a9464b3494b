// opaque(x): x, of which the compiler forgets what it knew.
#pragma once

#include "kernels/inlining.h"

namespace engine {

// REQUIRES: T fits a general register.
template <class T>
ENGINE_INLINE T opaque(T x) {
#if defined(__GNUC__)
  __asm__("" : "+r"(x));
#endif
  return x;
}

}  // namespace engine
