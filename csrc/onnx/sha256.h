// SHA-256 (FIPS 180-4), with the CPU's instructions for it where there are some.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace engine {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;
  // Absorbs `count` blocks of 64 bytes into the state.
  using Compress = void (*)(uint32_t state[8], const uint8_t* blocks, size_t count);

  // The fastest that this CPU supports; or, for tests, one of sha256_paths(). REQUIRES: path < sha256_paths().size().
  Sha256();
  explicit Sha256(size_t path);

  void update(const void* data, size_t size);
  // The digest of all that was given. The object must not be used afterwards.
  Digest finish();

 private:
  Compress compress_;
  uint32_t state_[8];
  uint8_t tail_[64];
  uint64_t size_ = 0;
};

// The implementations that this CPU supports, "portable" first, the fastest last.
std::vector<const char*> sha256_paths();

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
std::string hex(const Sha256::Digest& digest);

// The 64 lower-case digits of a digest as callers write it: any case, with or without "sha256:". DigestMismatch when it
// is no digest.
Result<std::string> parse_sha256(const std::string& text);

namespace sha256 {

extern const uint32_t kRoundConstants[64];

void compress_portable(uint32_t state[8], const uint8_t* blocks, size_t count);

// Compiled on every system; null where the instructions do not exist or this CPU lacks them.
Sha256::Compress x86_compress();
Sha256::Compress arm_compress();

}  // namespace sha256
}  // namespace engine
