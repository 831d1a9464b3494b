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

}  // namespace
}  // namespace engine::ENGINE_TIER
