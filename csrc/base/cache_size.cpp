#include "base/cache_size.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__linux__)
#include <unistd.h>
#endif

namespace engine {
namespace {

int64_t told_by_system() {
#if defined(__APPLE__)
  int64_t bytes = 0;
  size_t size = sizeof(bytes);
  return sysctlbyname("hw.l2cachesize", &bytes, &size, nullptr, 0) == 0 ? bytes : 0;
#elif defined(_SC_LEVEL2_CACHE_SIZE)
  return sysconf(_SC_LEVEL2_CACHE_SIZE);
#else
  return 0;
#endif
}

}  // namespace

int64_t second_level_cache_bytes() {
  static const int64_t bytes = [] {
    const int64_t told = told_by_system();
    return told > 0 ? told : int64_t{1} << 20;
  }();
  return bytes;
}

}  // namespace engine
