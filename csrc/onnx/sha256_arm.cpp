#include "onnx/sha256.h"

#if defined(__aarch64__) && (defined(__ARM_FEATURE_SHA2) || !defined(__clang__) || __clang_major__ >= 16)

#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__clang__)
#define ENGINE_TARGET_SHA __attribute__((target("sha2")))
#else
#define ENGINE_TARGET_SHA __attribute__((target("+crypto")))
#endif

namespace engine::sha256 {
namespace {

bool cpu_has_sha() {
#if defined(__APPLE__) || defined(__ARM_FEATURE_SHA2)
  return true;
#elif defined(__linux__)
  constexpr unsigned long kHwcapSha2 = 1ul << 6;
  return getauxval(AT_HWCAP) & kHwcapSha2;
#else
  return false;
#endif
}

ENGINE_TARGET_SHA void compress(uint32_t state[8], const uint8_t* blocks, size_t count) {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count > 0; --count, blocks += 64) {
    const uint32x4_t abcd_before = abcd, efgh_before = efgh;
    uint32x4_t w[4];
    for (int i = 0; i < 4; ++i) w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      uint32x4_t now = w[i & 3], sum = vaddq_u32(now, vld1q_u32(kRoundConstants + 4 * i)), abcd_now = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, abcd_now, sum);
      if (i < 12) w[i & 3] = vsha256su1q_u32(vsha256su0q_u32(now, w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

}  // namespace

Sha256::Compress arm_compress() { return cpu_has_sha() ? compress : nullptr; }

}  // namespace engine::sha256

#else

namespace engine::sha256 {
Sha256::Compress arm_compress() { return nullptr; }
}  // namespace engine::sha256

#endif
