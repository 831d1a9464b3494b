// A channel block in registers; the contract is in block_scalar.h.
#pragma once

#include <immintrin.h>

#include "kernels/inlining.h"

namespace engine {
namespace avx512 {

struct Block {
  static constexpr int size = 16;
  static constexpr int registers = 32;
  static constexpr int parts = 1;
  static constexpr bool masked = true;
  __m512 v;
};

// The masked forms avoid the undefined source operand that GCC 12 warns about in the plain ones; the code is the same.
constexpr __mmask16 all_lanes = 0xffff;

ENGINE_INLINE __mmask16 first_mask(int n) { return __mmask16((1u << n) - 1u); }

ENGINE_INLINE void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
ENGINE_INLINE Block load(const float* p) { return {_mm512_loadu_ps(p)}; }
ENGINE_INLINE Block load_first(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_mask(n), p)}; }
ENGINE_INLINE void store(float* p, Block x) { _mm512_storeu_ps(p, x.v); }
ENGINE_INLINE void store_first(float* p, Block x, int n) { _mm512_mask_storeu_ps(p, first_mask(n), x.v); }
ENGINE_INLINE Block broadcast(float x) { return {_mm512_set1_ps(x)}; }
ENGINE_INLINE Block zero_block() { return {_mm512_setzero_ps()}; }
ENGINE_INLINE Block fma(Block acc, Block a, Block b) { return {_mm512_fmadd_ps(a.v, b.v, acc.v)}; }
ENGINE_INLINE Block add(Block a, Block b) { return {_mm512_add_ps(a.v, b.v)}; }
ENGINE_INLINE Block sub(Block a, Block b) { return {_mm512_sub_ps(a.v, b.v)}; }
ENGINE_INLINE Block mul(Block a, Block b) { return {_mm512_mul_ps(a.v, b.v)}; }
ENGINE_INLINE Block div(Block a, Block b) { return {_mm512_div_ps(a.v, b.v)}; }
ENGINE_INLINE Block at_least(Block x, Block low) { return {_mm512_maskz_max_ps(all_lanes, low.v, x.v)}; }
ENGINE_INLINE Block at_most(Block x, Block high) { return {_mm512_maskz_min_ps(all_lanes, high.v, x.v)}; }
ENGINE_INLINE Block where_negative(Block x, Block yes, Block no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.v, _mm512_setzero_ps(), _CMP_LT_OQ), no.v, yes.v)};
}
ENGINE_INLINE Block larger_or_nan(Block x, Block y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q), _mm512_maskz_max_ps(all_lanes, x.v, y.v), x.v)};
}
ENGINE_INLINE Block first_lanes(Block x, int n) { return {_mm512_maskz_mov_ps(first_mask(n), x.v)}; }

}  // namespace avx512
}  // namespace engine
