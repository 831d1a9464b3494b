// Discrete Fourier transforms of any length in float64: mixed radix, or a convolution (Bluestein) where a prime factor is large.
#pragma once

#include <complex>
#include <cstdint>

#include "base/status.h"

namespace engine {

using Complex = std::complex<double>;

// Asked now and then by a long transform; it stops when the answer is an error.
struct Checkpoint {
  Status (*ask)(void* arg);
  void* arg;
};

class Fft {
 public:
  Fft() = default;
  // Tables in `memory`, table_size(n) numbers, which outlive this. REQUIRES: 0 < n <= kMaxLength.
  Fft(int64_t n, Complex* memory);

  static constexpr int64_t kMaxLength = int64_t(1) << 40;
  static int64_t table_size(int64_t n);
  // Numbers of work memory of one transform.
  static int64_t work_size(int64_t n);

  int64_t length() const { return n_; }
  // About what one transform takes.
  double ns() const;
  // out[k] = sum of in[j] e^(-2 pi i j k / n). No overlap. `check` may be null. Thread-safe.
  Status forward(const Complex* in, Complex* out, Complex* work, const Checkpoint* check) const;

 private:
  struct Radix {
    int64_t p[64];
    int count = 0;
  };
  static Radix factor(int64_t n, int64_t* largest);
  static bool convolves(int64_t n);
  static int64_t convolution_length(int64_t n);
  Status mixed(int level, int64_t n, const Complex* in, int64_t stride, Complex* out, const Checkpoint* check) const;
  Status combine(int64_t p, int64_t n, Complex* out, const Checkpoint* check) const;
  Status convolve(const Complex* in, Complex* out, Complex* work, const Checkpoint* check) const;

  int64_t n_ = 0, m_ = 0;                 // length; of the convolution, 0 when there is none
  Radix radix_;
  const Complex* roots_ = nullptr;        // e^(-2 pi i k / length of the mixed-radix transform)
  const Complex* chirp_ = nullptr;        // e^(-pi i k^2 / n)
  const Complex* filter_ = nullptr;       // the transform of the conjugate chirp, over m_
};

}  // namespace engine
