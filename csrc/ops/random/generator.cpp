#include "ops/random/generator.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <random>

namespace engine {
namespace {

// Spreads nearby numbers over all 64 bits.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t fresh_key() {
  static const uint64_t process = [] {
    std::random_device device;
    return uint64_t(device()) << 32 | device();
  }();
  static std::atomic<uint64_t> runs{0};
  return mix(process + mix(runs.fetch_add(1, std::memory_order_relaxed)));
}

}  // namespace

Generator::Bits Generator::bits(uint64_t i) const {
  uint32_t c0 = uint32_t(i), c1 = uint32_t(i >> 32), c2 = 0, c3 = 0;
  uint32_t k0 = uint32_t(key_), k1 = uint32_t(key_ >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xd2511f53u) * c0, p1 = uint64_t(0xcd9e8d57u) * c2;
    c0 = uint32_t(p1 >> 32) ^ c1 ^ k0;
    c1 = uint32_t(p1);
    c2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c3 = uint32_t(p0);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {uint64_t(c1) << 32 | c0, uint64_t(c3) << 32 | c2};
}

double Generator::normal(uint64_t i) const {
  Bits b = bits(i);
  double u = double((b.lo >> 11) + 1) * 0x1p-53, v = double(b.hi >> 11) * 0x1p-53;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
}

void Seed::read(const InferContext& c) {
  fixed_ = c.has("seed");
  if (!fixed_) return;
  const Attribute* seed = c.attribute("seed");
  uint64_t bits = !seed->ints.empty() ? uint64_t(seed->ints[0]) : std::bit_cast<uint32_t>(c.attr_float("seed", 0));
  key_ = mix(bits);
}

Generator Seed::generator() const { return Generator(fixed_ ? key_ : fresh_key()); }

}  // namespace engine
