#include "ops/quantize/scales.h"

#include <algorithm>

namespace engine {

float* Scales::Floats::resize(int64_t n) {
  count = n;
  if (n == 1) return &one;
  many.resize(size_t(n));
  return many.data();
}

bool Scales::Floats::all_zero() const {
  return std::all_of(data(), data() + count, [](float z) { return z == 0; });
}

Status Scales::read(OpRun& r, int scale, int zero) {
  auto copy = [&](const Tensor& x, Floats& floats) {
    float* to = floats.resize(x.elements());
    Converter convert(x.dtype, DType::Float);
    return r.parallel(x.elements(), convert.ns_per_element(), [&](int64_t begin, int64_t end, int) {
      convert(x.as<char>() + begin * dtype_size(x.dtype), to + begin, end - begin);
    });
  };
  ENGINE_TRY(copy(r.in(scale), scale_));
  if (!r.has(zero)) return {};
  ENGINE_TRY(copy(r.in(zero), zero_));
  if (zero_.all_zero()) zero_.count = 0;
  return {};
}

void Scales::read_constants(PrepareContext& c, int scale, int zero) {
  if (!c.is_constant(scale) || (c.has_input(zero) && !c.is_constant(zero))) return;
  auto copy = [](const Tensor& x, Floats& floats) {
    Converter(x.dtype, DType::Float)(x.data, floats.resize(x.elements()), x.elements());
  };
  copy(*c.value(scale), scale_);
  if (!c.has_input(zero)) return;
  copy(*c.value(zero), zero_);
  if (zero_.all_zero()) zero_.count = 0;
}

}  // namespace engine
