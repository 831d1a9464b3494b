// Normalisation over vectors and the table of one tier. For tier files.
#pragma once

#include "kernels/norm/moments.inl"

namespace engine::ENGINE_TIER {

// Calls f(io, i, n) for each vector of the elements; io reads and writes its n lanes.
struct Whole {
  static ENGINE_INLINE F32 read(const float* p, size_t) { return load(p); }
  static ENGINE_INLINE void write(float* p, F32 v, size_t) { store(p, v); }
};
struct Part {
  static ENGINE_INLINE F32 read(const float* p, size_t n) { return load(p, n); }
  static ENGINE_INLINE void write(float* p, F32 v, size_t n) { store(p, v, n); }
};
template <class F>
ENGINE_INLINE void for_vectors(size_t n, F f) {
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) f(Whole(), i, kWidth);
  if (i < n) f(Part(), i, n - i);
}

// Row r with its residual, in memory: x itself when there is none.
ENGINE_INLINE const float* row_with_residual(const NormRows& a, size_t r) {
  const size_t begin = r * a.n;
  const float* x = a.x + begin;
  if (!a.residual) return x;
  const float* residual = a.residual + begin;
  const float* bias = a.residual_bias;
  float* sum = (a.sum ? a.sum : a.y) + begin;
  for_vectors(a.n, [=](auto io, size_t i, size_t n) {
    F32 v = io.read(x + i, n) + io.read(residual + i, n);
    if (bias) v = v + io.read(bias + i, n);
    io.write(sum + i, v, n);
  });
  return sum;
}

// y = (x - mean) factor, then scaled and biased. A mean of zero changes no bit but the sign of a zero.
ENGINE_INLINE void normalise_row(const NormRows& a, const float* x, float mean, float factor, float* y) {
  const float* scale = a.scale;
  const float* bias = a.bias;
  const F32 m = broadcast(mean), f = broadcast(factor);
  if (scale && bias) {
    for_vectors(a.n, [=](auto io, size_t i, size_t n) {
      F32 v = (io.read(x + i, n) - m) * f;
      io.write(y + i, fma(v, io.read(scale + i, n), io.read(bias + i, n)), n);
    });
    return;
  }
  for_vectors(a.n, [=](auto io, size_t i, size_t n) {
    F32 v = (io.read(x + i, n) - m) * f;
    if (scale) v = v * io.read(scale + i, n);
    if (bias) v = v + io.read(bias + i, n);
    io.write(y + i, v, n);
  });
}

static void run_layer_norm(const NormRows& a) {
  for (size_t r = 0; r < a.rows; ++r) {
    const float* x = row_with_residual(a, r);
    const Moments m = moments_of(x, a.n);
    const float factor = inverse_std(m, a.epsilon);
    normalise_row(a, x, m.mean, factor, a.y + r * a.n);
    if (a.mean) a.mean[r] = m.mean;
    if (a.inv_std) a.inv_std[r] = factor;
  }
}

struct SumSquare : SumAccumulator {
  static ENGINE_INLINE F32 step(F32 acc, F32 x) { return fma(x, x, acc); }
};

static void run_rms_norm(const NormRows& a) {
  for (size_t r = 0; r < a.rows; ++r) {
    const float* x = row_with_residual(a, r);
    const float mean_square = accumulate(SumSquare(), Contiguous{x}, a.n) / float(a.n);
    const float factor = 1.0f / ::sqrtf(mean_square + a.epsilon);
    normalise_row(a, x, 0.0f, factor, a.y + r * a.n);
    if (a.inv_std) a.inv_std[r] = factor;
  }
}

static void run_scale_shift(const ScaleShift& a) {
  for (size_t c = 0; c < a.channels; ++c) {
    const F32 mean = broadcast(a.mean ? a.mean[c] : 0.0f);
    const F32 scale = broadcast(a.scale ? a.scale[c] : 1.0f);
    const F32 shift = broadcast(a.shift ? a.shift[c] : 0.0f);
    const float* x = a.x + c * a.inner;
    float* y = a.y + c * a.inner;
    for_vectors(a.inner, [=](auto io, size_t i, size_t n) {
      io.write(y + i, fma(io.read(x + i, n) - mean, scale, shift), n);
    });
  }
}

static void run_scale_shift_last(const ScaleShift& a) {
  for (size_t r = 0; r < a.inner; ++r) {
    const float* x = a.x + r * a.channels;
    float* y = a.y + r * a.channels;
    for_vectors(a.channels, [=, mean = a.mean, scale = a.scale, shift = a.shift](auto io, size_t i, size_t n) {
      F32 v = io.read(x + i, n);
      if (mean) v = v - io.read(mean + i, n);
      F32 factor = scale ? io.read(scale + i, n) : broadcast(1.0f);
      F32 offset = shift ? io.read(shift + i, n) : broadcast(0.0f);
      io.write(y + i, fma(v, factor, offset), n);
    });
  }
}

extern const NormKernels norm_table;
const NormKernels norm_table = {run_layer_norm, run_rms_norm, run_moments, run_scale_shift, run_scale_shift_last};

}  // namespace engine::ENGINE_TIER
