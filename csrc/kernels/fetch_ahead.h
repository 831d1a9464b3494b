// Brings memory into the second-level cache, a little at a time, while something else is computed.
#pragma once

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_X64)
#include <intrin.h>
#endif

#include "kernels/inlining.h"

namespace engine {

constexpr int64_t kFetchLine = 64;
constexpr int kFetchStreams = 4;  // memory serves some streams faster than one

// Hints; p may be any address. To the second-level cache, and to the first.
ENGINE_INLINE void fetch_line(const char* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#elif defined(_M_X64)
  _mm_prefetch(p, _MM_HINT_T1);
#else
  (void)p;
#endif
}

ENGINE_INLINE void fetch_near(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 3);
#elif defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
#else
  (void)p;
#endif
}

// To the first, to be written.
ENGINE_INLINE void fetch_to_write(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 1, 3);
#else
  fetch_near(p);
#endif
}

// kFetchStreams stretches of memory, one after the other in it, fetched side by side.
struct FetchAhead {
  const char* at;     // the line of the first stretch to ask for next
  const char* until;  // asked for by now, if nothing is left behind
  int64_t each;       // bytes of a stretch that one fetch() takes
  int64_t apart;      // bytes of a stretch

  ENGINE_INLINE void fetch() {
    until += each;
    for (; at < until; at += kFetchLine)
      for (int i = 0; i < kFetchStreams; ++i) fetch_line(at + i * apart);
  }
};

// `bytes` from `from` on in `times` calls of fetch(); nothing when `from` is null.
ENGINE_INLINE FetchAhead fetch_ahead(const void* from, int64_t bytes, int64_t times) {
  const char* p = static_cast<const char*>(from);
  const int64_t apart = (bytes / kFetchStreams + kFetchLine - 1) / kFetchLine * kFetchLine;
  return {p, p, p && times > 0 ? apart / times + 1 : 0, apart};
}

}  // namespace engine
