#include "base/checksum.h"

#include <cstring>

namespace engine {
namespace {

constexpr size_t kLanes = 8;
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;

uint64_t turned(uint64_t x, int by) { return x << by | x >> (64 - by); }

// For each `word` a bijection of `lane`, and the other way round.
uint64_t absorb(uint64_t lane, uint64_t word) { return turned(lane ^ word, 29) * kOdd; }

}  // namespace

uint64_t checksum(const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  uint64_t lanes[kLanes], words[kLanes];
  for (size_t i = 0; i < kLanes; ++i) lanes[i] = turned(kOdd, int(7 * i) + 1);
  for (size_t left = size; left > 0;) {
    const size_t n = left < sizeof(words) ? left : sizeof(words);
    if (n < sizeof(words)) std::memset(words, 0, sizeof(words));
    std::memcpy(words, at, n);
    for (size_t i = 0; i < kLanes; ++i) lanes[i] = absorb(lanes[i], words[i]);
    at += n;
    left -= n;
  }
  uint64_t sum = size;
  for (uint64_t lane : lanes) sum = absorb(sum, lane ^ lane >> 32);
  return sum ^ sum >> 29;
}

}  // namespace engine
