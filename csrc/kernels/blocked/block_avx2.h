// A channel block in registers; the contract is in block_scalar.h.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "kernels/inlining.h"

namespace engine {
namespace avx2 {

struct Block {
  static constexpr int size = 8;
  static constexpr int registers = 16;
  static constexpr int parts = 1;
  static constexpr bool masked = true;
  __m256 v;
};

ENGINE_INLINE __m256i first_mask(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

ENGINE_INLINE void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
ENGINE_INLINE Block load(const float* p) { return {_mm256_loadu_ps(p)}; }
ENGINE_INLINE Block load_first(const float* p, int n) { return {_mm256_maskload_ps(p, first_mask(n))}; }
ENGINE_INLINE void store(float* p, Block x) { _mm256_storeu_ps(p, x.v); }
ENGINE_INLINE void store_first(float* p, Block x, int n) { _mm256_maskstore_ps(p, first_mask(n), x.v); }
ENGINE_INLINE Block broadcast(float x) { return {_mm256_set1_ps(x)}; }
ENGINE_INLINE Block zero_block() { return {_mm256_setzero_ps()}; }
ENGINE_INLINE Block fma(Block acc, Block a, Block b) { return {_mm256_fmadd_ps(a.v, b.v, acc.v)}; }
ENGINE_INLINE Block add(Block a, Block b) { return {_mm256_add_ps(a.v, b.v)}; }
ENGINE_INLINE Block sub(Block a, Block b) { return {_mm256_sub_ps(a.v, b.v)}; }
ENGINE_INLINE Block mul(Block a, Block b) { return {_mm256_mul_ps(a.v, b.v)}; }
ENGINE_INLINE Block div(Block a, Block b) { return {_mm256_div_ps(a.v, b.v)}; }
ENGINE_INLINE Block at_least(Block x, Block low) { return {_mm256_max_ps(low.v, x.v)}; }
ENGINE_INLINE Block at_most(Block x, Block high) { return {_mm256_min_ps(high.v, x.v)}; }
ENGINE_INLINE Block where_negative(Block x, Block yes, Block no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(x.v, _mm256_setzero_ps(), _CMP_LT_OQ))};
}
ENGINE_INLINE Block larger_or_nan(Block x, Block y) {
  __m256 largest = _mm256_max_ps(x.v, y.v);
  return {_mm256_blendv_ps(largest, x.v, _mm256_cmp_ps(x.v, x.v, _CMP_UNORD_Q))};
}
ENGINE_INLINE Block first_lanes(Block x, int n) {
  return {_mm256_and_ps(x.v, _mm256_castsi256_ps(first_mask(n)))};
}

}  // namespace avx2
}  // namespace engine
