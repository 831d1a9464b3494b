#include "sched/prepare_thread.h"

#include <cstddef>
#include <cstdlib>
#include <exception>

namespace engine {
namespace {

// More than the thread-local data of the C++ runtime takes, which the loader allocates when it is touched first.
constexpr size_t kEnough[] = {64, 256, 4096};

thread_local bool t_prepared = false;

bool prepare() noexcept {
  for (size_t bytes : kEnough) {
    void* memory = std::malloc(bytes);
    // Through a volatile, or the compiler leaves the pair out.
    void* volatile kept = memory;
    if (!kept) return false;
    std::free(kept);
  }
  t_prepared = std::uncaught_exceptions() >= 0;
  return true;
}

}  // namespace

bool prepare_thread() noexcept { return t_prepared || prepare(); }

}  // namespace engine
