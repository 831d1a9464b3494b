#include "ops/quantize/dynamic_scale.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

// Running extremes of a worker, lane by lane; 0 belongs to every range.
struct Extremes {
  float low[kConvertBlock], high[kConvertBlock];
};

Status extremes(OpRun& r, const float* x, int64_t n, float* low, float* high) {
  BinaryFn least = binary_kernel(ElementType::f32, BinaryOp::min, Broadcast::none);
  BinaryFn most = binary_kernel(ElementType::f32, BinaryOp::max, Broadcast::none);
  for (int w = 0; w < r.workers(); ++w) std::memset(static_cast<void*>(r.scratch<Extremes>(w)), 0, sizeof(Extremes));
  ENGINE_TRY(r.parallel(n, 0.3, [&](int64_t begin, int64_t end, int worker) {
    Extremes& e = *r.scratch<Extremes>(worker);
    for (int64_t i = begin; i < end; i += kConvertBlock) {
      size_t m = size_t(std::min(kConvertBlock, end - i));
      least(e.low, x + i, e.low, m);
      most(e.high, x + i, e.high, m);
    }
  }));
  for (int w = 0; w < r.workers(); ++w) {
    const Extremes& e = *r.scratch<Extremes>(w);
    for (int64_t i = 0; i < kConvertBlock; ++i) {
      least(low, e.low + i, low, 1);
      most(high, e.high + i, high, 1);
    }
  }
  return {};
}

}  // namespace

int64_t dynamic_scale_scratch() { return int64_t(sizeof(Extremes)); }

Status dynamic_scale(OpRun& r, const float* x, int64_t n, DynamicScale* result) {
  float low = 0, high = 0;
  ENGINE_TRY(extremes(r, x, n, &low, &high));
  result->scale = (high - low) / 255.0f;
  if (result->scale == 0) result->scale = 1;
  result->zero = std::nearbyint(std::clamp(0.0f - low / result->scale, 0.0f, 255.0f));
  if (std::isnan(result->zero)) result->zero = 0;
  return {};
}

}  // namespace engine
