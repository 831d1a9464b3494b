#include "onnx/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace engine {
namespace sha256 {

const uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

namespace {

uint32_t load_big_endian(const uint8_t* p) {
  return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | uint32_t(p[3]);
}

void expand_schedule(const uint8_t* block, uint32_t w[64]) {
  for (int t = 0; t < 16; ++t) w[t] = load_big_endian(block + 4 * t);
  for (int t = 16; t < 64; ++t) {
    uint32_t a = w[t - 15], b = w[t - 2];
    uint32_t s0 = std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3);
    uint32_t s1 = std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
}

// One round. Only d and h change; the caller turns the names of the variables instead of their values.
inline void round(uint32_t a, uint32_t b, uint32_t c, uint32_t& d, uint32_t e, uint32_t f, uint32_t g, uint32_t& h,
                  uint32_t word) {
  uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + (g ^ (e & (f ^ g))) + word;
  d += t1;
  h = t1 + (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

}  // namespace

void compress_portable(uint32_t state[8], const uint8_t* blocks, size_t count) {
  for (; count > 0; --count, blocks += 64) {
    uint32_t w[64];
    expand_schedule(blocks, w);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
             h = state[7];
    for (int t = 0; t < 64; t += 8) {
      const uint32_t *k = kRoundConstants + t, *v = w + t;
      round(a, b, c, d, e, f, g, h, k[0] + v[0]);
      round(h, a, b, c, d, e, f, g, k[1] + v[1]);
      round(g, h, a, b, c, d, e, f, k[2] + v[2]);
      round(f, g, h, a, b, c, d, e, k[3] + v[3]);
      round(e, f, g, h, a, b, c, d, k[4] + v[4]);
      round(d, e, f, g, h, a, b, c, k[5] + v[5]);
      round(c, d, e, f, g, h, a, b, k[6] + v[6]);
      round(b, c, d, e, f, g, h, a, k[7] + v[7]);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g,
        state[7] += h;
  }
}

}  // namespace sha256

namespace {

struct Path {
  const char* name;
  Sha256::Compress compress;
};

std::vector<Path> supported_paths() {
  std::vector<Path> paths = {{"portable", sha256::compress_portable}};
  if (auto compress = sha256::x86_compress()) paths.push_back({"x86", compress});
  if (auto compress = sha256::arm_compress()) paths.push_back({"arm", compress});
  return paths;
}

const std::vector<Path>& paths() {
  static const std::vector<Path> all = supported_paths();
  return all;
}

}  // namespace

std::vector<const char*> sha256_paths() {
  std::vector<const char*> names;
  for (const Path& path : paths()) names.push_back(path.name);
  return names;
}

Sha256::Sha256() : Sha256(paths().size() - 1) {}

Sha256::Sha256(size_t path)
    : compress_(paths()[path].compress), state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::update(const void* data, size_t size) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  size_t held = size_t(size_ % 64);
  size_ += size;
  if (held > 0) {
    size_t n = std::min(size, 64 - held);
    std::memcpy(tail_ + held, p, n);
    if (held + n < 64) return;
    compress_(state_, tail_, 1);
    p += n;
    size -= n;
  }
  if (size >= 64) compress_(state_, p, size / 64);
  if (size % 64) std::memcpy(tail_, p + size / 64 * 64, size % 64);
}

Sha256::Digest Sha256::finish() {
  uint64_t bits = size_ * 8;
  size_t held = size_t(size_ % 64);
  tail_[held++] = 0x80;
  if (held > 56) {
    std::memset(tail_ + held, 0, 64 - held);
    compress_(state_, tail_, 1);
    held = 0;
  }
  std::memset(tail_ + held, 0, 56 - held);
  for (int i = 0; i < 8; ++i) tail_[56 + i] = uint8_t(bits >> (56 - 8 * i));
  compress_(state_, tail_, 1);
  Digest digest;
  for (int i = 0; i < 32; ++i) digest[size_t(i)] = uint8_t(state_[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

std::string hex(const Sha256::Digest& digest) {
  std::string text;
  for (uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  return hex(hash.finish());
}

Result<std::string> parse_sha256(const std::string& text) {
  std::string lower;
  for (char c : text) lower += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  if (lower.starts_with("sha256:")) lower.erase(0, 7);
  if (lower.size() != 64 || lower.find_first_not_of("0123456789abcdef") != std::string::npos)
    return error(Code::DigestMismatch, "the expected digest '%.100s' is no SHA-256 (64 hexadecimal digits)",
                 text.c_str());
  return lower;
}

}  // namespace engine
