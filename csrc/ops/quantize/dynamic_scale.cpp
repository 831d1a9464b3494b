#include "ops/quantize/dynamic_scale.h"

#include <algorithm>
#include <cmath>

#include "kernels/quant/quant.h"

namespace engine {
namespace {

// Of a worker; 0 belongs to every range. A cache line each.
struct alignas(64) Extremes {
  float low = 0, high = 0;
};

Status extremes(OpRun& r, const float* x, int64_t n, Extremes* all) {
  auto scan = quant_kernels().extremes;
  for (int w = 0; w < r.workers(); ++w) *r.scratch<Extremes>(w) = Extremes();
  ENGINE_TRY(r.parallel(n, 0.15, [&](int64_t begin, int64_t end, int worker) {
    Extremes& e = *r.scratch<Extremes>(worker);
    scan(x + begin, size_t(end - begin), &e.low, &e.high);
  }));
  for (int w = 0; w < r.workers(); ++w) {
    const Extremes& e = *r.scratch<Extremes>(w);
    scan(&e.low, 1, &all->low, &all->high);
    scan(&e.high, 1, &all->low, &all->high);
  }
  return {};
}

DynamicScale scale_of(const Extremes& range) {
  DynamicScale result;
  result.scale = (range.high - range.low) / 255.0f;
  if (result.scale == 0) result.scale = 1;
  result.zero = std::nearbyint(std::clamp(0.0f - range.low / result.scale, 0.0f, 255.0f));
  if (std::isnan(result.zero)) result.zero = 0;
  return result;
}

}  // namespace

int64_t dynamic_scale_scratch() { return int64_t(sizeof(Extremes)); }

Status dynamic_scale(OpRun& r, const float* x, int64_t n, DynamicScale* result) {
  Extremes range;
  ENGINE_TRY(extremes(r, x, n, &range));
  *result = scale_of(range);
  return {};
}

DynamicScale dynamic_scale_here(const float* x, int64_t n) {
  Extremes range;
  quant_kernels().extremes(x, size_t(n), &range.low, &range.high);
  return scale_of(range);
}

}  // namespace engine
