// From integer sums to results, a vector at a time.
#pragma once

#include "kernels/byteconv/byteconv.h"
#include "kernels/gemm/int8_micro.inl"

namespace engine::ENGINE_TIER {
namespace {

struct FinishTerms {
  F32 least, most;
  Words::V zero;

  explicit ENGINE_INLINE FinishTerms(const ByteFinish& f)
      : least(broadcast(float(f.low - f.zero))), most(broadcast(float(f.high - f.zero))), zero(Words::set(uint32_t(f.zero))) {}

  // `sum` with start in it.
  ENGINE_INLINE Words::V bytes(Words::V sum, const float* scale, const float* shift) const {
    const F32 x = multiply_add(Words::to_float(sum), load(scale), load(shift));
    return Words::add(Words::round(min(most, max(x, least))), zero);
  }
};

// Rows of a whole panel. What is too large is cut while it is a float, what is too small (or no number) by saturation.
template <class W = Words>
struct PanelTerms {
  F32 most;
  typename W::V zero, low;
  bool is_signed;

  explicit ENGINE_INLINE PanelTerms(const ByteFinish& f)
      : most(broadcast(float(f.high - f.zero))), zero(W::words_of(f.zero)), low(W::bytes_of(f.low)), is_signed(f.low < 0) {}

  ENGINE_INLINE typename W::V rounded(typename W::V sum, const float* scale, const float* shift) const {
    return W::round(min(most, multiply_add(W::to_float(sum), load(scale), load(shift))));
  }
  ENGINE_INLINE void store(void* p, const typename W::V (&sums)[4], const float* scale, const float* shift) const {
    typename W::V x[4];
    ENGINE_UNROLL
    for (int j = 0; j < 4; ++j) x[j] = rounded(sums[j], scale + j * kLanes, shift + j * kLanes);
    W::store_panel(p, x[0], x[1], x[2], x[3], zero, low, is_signed);
  }
};

}  // namespace
}  // namespace engine::ENGINE_TIER
