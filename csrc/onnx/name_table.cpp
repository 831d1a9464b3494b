#include "onnx/name_table.h"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>

namespace engine::onnx {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  a = (a ^ (a >> 32)) * 0x9e3779b97f4a7c15u + b;
  a = (a ^ (a >> 29)) * 0xbf58476d1ce4e5b9u;
  return a ^ (a >> 32);
}

// From the clock and from where the system put the stack, the heap and this library.
uint64_t process_key() {
  uint64_t on_stack = 0;
  auto on_heap = std::make_unique<int>(0);
  uint64_t now = uint64_t(std::chrono::high_resolution_clock::now().time_since_epoch().count());
  uint64_t key = mix(now, uint64_t(reinterpret_cast<uintptr_t>(&on_stack)));
  return mix(mix(key, uint64_t(reinterpret_cast<uintptr_t>(on_heap.get()))),
             uint64_t(reinterpret_cast<uintptr_t>(&process_key)));
}

}  // namespace

size_t NameHash::operator()(Bytes name) const {
  static const uint64_t key = process_key(), odd = mix(key, 1) | 1;
  uint64_t h = key ^ name.size();
  const char* p = name.data();
  size_t n = name.size();
  uint64_t word;
  for (; n >= 8; p += 8, n -= 8) {
    std::memcpy(&word, p, 8);
    h = mix((h ^ word) * odd, key);
  }
  word = 0;
  if (n) std::memcpy(&word, p, n);
  return size_t(mix((h ^ word) * odd, key));
}

}  // namespace engine::onnx
