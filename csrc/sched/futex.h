// Blocking on a 32-bit word: the operating system's futex, or a table of condition variables where there is none.
#pragma once

#include <atomic>
#include <cstdint>

namespace engine {

// Blocks while `word` holds `expected`; may also return for no reason, so the caller looks again.
void futex_wait(std::atomic<uint32_t>& word, uint32_t expected);

// As futex_wait, but at most until `until_ns` on now_ns()'s clock (kNever: for ever).
void futex_wait_until(std::atomic<uint32_t>& word, uint32_t expected, int64_t until_ns);

// Wakes up to `count` threads that block on `word`. The word's new value must be stored before. The word itself is not
// read: its owner may be gone by now, at the price of a wake-up for no reason of whoever waits on that address next.
void futex_wake(std::atomic<uint32_t>& word, int count);

}  // namespace engine
