// Brings memory into the second-level cache, a little at a time, while something else is computed.
#pragma once

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_X64)
#include <intrin.h>
#endif

#include "kernels/inlining.h"

namespace engine {

constexpr int64_t kFetchLine = 64;

// A hint; p may be any address.
ENGINE_INLINE void fetch_line(const char* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#elif defined(_M_X64)
  _mm_prefetch(p, _MM_HINT_T1);
#else
  (void)p;
#endif
}

struct FetchAhead {
  const char* at;     // the line to ask for next
  const char* until;  // asked for by now, if nothing is left behind
  int64_t each;       // bytes of one fetch()

  // The next `each` bytes.
  ENGINE_INLINE void fetch() {
    until += each;
    for (; at < until; at += kFetchLine) fetch_line(at);
  }
};

// `bytes` from `from` on in `times` calls of fetch(); nothing when `from` is null.
ENGINE_INLINE FetchAhead fetch_ahead(const void* from, int64_t bytes, int64_t times) {
  const char* p = static_cast<const char*>(from);
  return {p, p, p && times > 0 ? bytes / times + 1 : 0};
}

}  // namespace engine
