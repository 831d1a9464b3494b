// Blocking on a 32-bit word: the operating system's futex, or std::atomic's wait where there is none.
#pragma once

#include <atomic>
#include <cstdint>

namespace engine {

// Blocks while `word` holds `expected`; may also return for no reason, so the caller looks again.
void futex_wait(std::atomic<uint32_t>& word, uint32_t expected);

// Wakes up to `count` threads that block on `word`. The word's new value must be stored before. The word must outlive
// the call, not just the store: REQUIRES storage that is never freed.
void futex_wake(std::atomic<uint32_t>& word, int count);

}  // namespace engine
