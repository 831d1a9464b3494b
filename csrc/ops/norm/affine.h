// Runs of elements normalised by one mean, scale and shift, in float32 and float64.
#pragma once

#include <cmath>

#include "kernels/norm/norm.h"
#include "ops/elementwise/convert.h"
#include "ops/elementwise/element_type.h"
#include "ops/op.h"

namespace engine {

// y[i] = (x[i] - mean) scale + shift; y may be x.
inline void affine(const float* x, float* y, int64_t n, double mean, double scale, double shift) {
  float m = float(mean), s = float(scale), t = float(shift);
  norm_kernels().scale_shift({x, y, 1, size_t(n), &m, &s, &t});
}
inline void affine(const double* x, double* y, int64_t n, double mean, double scale, double shift) {
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * scale + shift;
}

struct MeanVariance {
  double count = 0, mean = 0, m2 = 0;  // m2: the sum of the squared differences to the mean
  double variance() const { return m2 / count; }
  // Takes in another run's.
  void merge(const MeanVariance& o) {
    if (o.count == 0) return;
    double delta = o.mean - mean, total = count + o.count;
    m2 += o.m2 + (count == 0 ? 0 : delta * delta * count * o.count / total);
    mean = count == 0 ? o.mean : mean + delta * o.count / total;
    count = total;
  }
};

inline MeanVariance mean_variance(const float* x, int64_t n) {
  float mean = 0, inv_std = 0;
  if (n == 0) return {};
  norm_kernels().moments(x, 1, size_t(n), 0.0f, &mean, &inv_std);
  return {double(n), double(mean), double(n) / (double(inv_std) * double(inv_std))};
}
inline MeanVariance mean_variance(const double* x, int64_t n) {
  double mean = 0, m2 = 0;
  for (int64_t i = 0; i < n; ++i) mean += x[i];
  mean /= double(n);
  for (int64_t i = 0; i < n; ++i) m2 += (x[i] - mean) * (x[i] - mean);
  return n == 0 ? MeanVariance{} : MeanVariance{double(n), mean, m2};
}

// The dtype that a float dtype is computed in: float32 or float64.
inline DType computed_float(DType dtype) { return dtype == DType::Double ? DType::Double : DType::Float; }

// Runs body(x, y) on input 0 and output 0 as float or double; for float16 and bfloat16 on float32 copies, in place (x == y), in
// `copy`, which holds all elements as float32.
template <class Body>
Status with_computed_floats(OpRun& r, char* copy, Body&& body) {
  const Tensor& x = r.in(0);
  Tensor& y = r.out(0);
  if (x.dtype == DType::Double) return body(x.as<double>(), y.as<double>());
  if (x.dtype == DType::Float) return body(x.as<float>(), y.as<float>());
  Converter load(x.dtype, DType::Float), store(DType::Float, y.dtype);
  float* wide = reinterpret_cast<float*>(copy);
  const uint16_t* from = x.as<uint16_t>();
  ENGINE_TRY(r.parallel(x.elements(), 0.5, [&](int64_t begin, int64_t end, int) { load(from + begin, wide + begin, end - begin); }));
  ENGINE_TRY(body(static_cast<const float*>(wide), wide));
  uint16_t* to = y.as<uint16_t>();
  return r.parallel(y.elements(), 0.5, [&](int64_t begin, int64_t end, int) { store(wide + begin, to + begin, end - begin); });
}

// Bytes of `copy` for with_computed_floats, a multiple of 64.
inline int64_t computed_copy(DType dtype, int64_t elements) {
  return is_half_width(dtype) ? (elements * int64_t(sizeof(float)) + 63) / 64 * 64 : 0;
}

}  // namespace engine
