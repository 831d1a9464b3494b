// What the CPU keeps close to a core.
#pragma once

#include <stdint.h>

namespace engine {

// Bytes of a core's second-level cache as the system tells them, or 1 MB where it does not. Thread-safe.
int64_t second_level_cache_bytes();

}  // namespace engine
