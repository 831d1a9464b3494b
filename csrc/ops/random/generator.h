// Random numbers by position: element i of a tensor is a function of the seed and i alone (Philox 4x32, ten rounds), so
// that it does not depend on threads or tiles.
#pragma once

#include <cstdint>

#include "ops/op.h"

namespace engine {

class Generator {
 public:
  explicit Generator(uint64_t key) : key_(key) {}

  // 128 random bits for position i.
  struct Bits {
    uint64_t lo, hi;
  };
  Bits bits(uint64_t i) const;
  // Uniform in [0, 1), a multiple of 2^-53.
  double uniform(uint64_t i) const { return double(bits(i).lo >> 11) * 0x1p-53; }
  // Standard normal.
  double normal(uint64_t i) const;

 private:
  uint64_t key_;
};

// Where an operator's numbers come from: attribute "seed", or, without it, new ones at each run.
class Seed {
 public:
  void read(const InferContext& c);
  // The same at every run when there is a seed. Thread-safe.
  Generator generator() const;

 private:
  bool fixed_ = false;
  uint64_t key_ = 0;
};

}  // namespace engine
