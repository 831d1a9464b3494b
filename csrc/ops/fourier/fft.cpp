#include "ops/fourier/fft.h"

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

constexpr double kTwoPi = 6.283185307179586476925;
constexpr int64_t kLargestRadix = 32;
constexpr int64_t kCheckEvery = 4096;

Complex root(int64_t k, int64_t n) {
  double angle = -kTwoPi * double(k) / double(n);
  return {std::cos(angle), std::sin(angle)};
}

// Without the special cases for infinities that operator* has.
Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

Fft::Radix Fft::factor(int64_t n, int64_t* largest) {
  Radix r;
  *largest = 1;
  auto take = [&](int64_t p) {
    for (; n % p == 0; n /= p) {
      r.p[r.count++] = p;
      *largest = std::max(*largest, p);
    }
  };
  take(4);
  take(2);
  for (int64_t p = 3; p <= kLargestRadix; p += 2) take(p);
  if (n > 1) *largest = n;
  return r;
}

bool Fft::convolves(int64_t n) {
  int64_t largest;
  factor(n, &largest);
  return largest > kLargestRadix;
}

int64_t Fft::convolution_length(int64_t n) {
  int64_t m = 1;
  while (m < 2 * n - 1) m *= 2;
  return m;
}

int64_t Fft::table_size(int64_t n) { return convolves(n) ? n + 3 * convolution_length(n) : n; }

int64_t Fft::work_size(int64_t n) { return convolves(n) ? 2 * convolution_length(n) : 0; }

double Fft::ns() const {
  double m = double(m_ > 0 ? m_ : n_);
  return 20 + (m_ > 0 ? 2.5 : 1) * m * (4 + 3 * std::log2(m + 1));
}

Fft::Fft(int64_t n, Complex* memory) : n_(n), m_(convolves(n) ? convolution_length(n) : 0) {
  int64_t length = m_ > 0 ? m_ : n, largest;
  radix_ = factor(length, &largest);
  for (int64_t k = 0; k < length; ++k) memory[k] = root(k, length);
  roots_ = memory;
  if (m_ == 0) return;
  Complex *filter = memory + m_, *kernel = filter + m_, *chirp = kernel + m_;
  using Wide = unsigned __int128;
  for (int64_t k = 0; k < n; ++k) chirp[k] = root(int64_t(Wide(k) * Wide(k) % Wide(2 * n)), 2 * n);
  std::fill_n(kernel, m_, Complex());
  for (int64_t k = 0; k < n; ++k) kernel[k] = kernel[k == 0 ? 0 : m_ - k] = std::conj(chirp[k]);
  (void)mixed(0, m_, kernel, 1, filter, nullptr).ok();
  chirp_ = chirp;
  filter_ = filter;
}

Status Fft::combine(int64_t p, int64_t n, Complex* out, const Checkpoint* check) const {
  int64_t m = n / p, length = m_ > 0 ? m_ : n_, step = length / n;
  Complex t[kLargestRadix];
  for (int64_t k = 0; k < m; ++k) {
    if (check && k % kCheckEvery == kCheckEvery - 1) ENGINE_TRY(check->ask(check->arg));
    for (int64_t q = 0; q < p; ++q) t[q] = times(out[q * m + k], roots_[q * k * step]);
    if (p == 2) {
      out[k] = t[0] + t[1];
      out[m + k] = t[0] - t[1];
    } else if (p == 4) {
      Complex a = t[0] + t[2], b = t[0] - t[2], c = t[1] + t[3], d = t[1] - t[3], turned{d.imag(), -d.real()};
      out[k] = a + c;
      out[m + k] = b + turned;
      out[2 * m + k] = a - c;
      out[3 * m + k] = b - turned;
    } else {
      for (int64_t j = 0; j < p; ++j) {
        Complex sum = t[0];
        for (int64_t q = 1; q < p; ++q) sum += times(t[q], roots_[q * j % p * m * step]);
        out[j * m + k] = sum;
      }
    }
  }
  return {};
}

// Decimation in time: p transforms of every p-th element, then their combination.
Status Fft::mixed(int level, int64_t n, const Complex* in, int64_t stride, Complex* out, const Checkpoint* check) const {
  if (n == 1) {
    *out = *in;
    return {};
  }
  int64_t p = radix_.p[level], m = n / p;
  for (int64_t q = 0; q < p; ++q) ENGINE_TRY(mixed(level + 1, m, in + q * stride, stride * p, out + q * m, check));
  if (check && n >= kCheckEvery) ENGINE_TRY(check->ask(check->arg));
  return combine(p, n, out, n >= kCheckEvery ? check : nullptr);
}

// X[k] = chirp[k] sum of (in[j] chirp[j]) conj(chirp[k - j]): a convolution by transforms of length m_.
Status Fft::convolve(const Complex* in, Complex* out, Complex* work, const Checkpoint* check) const {
  Complex *a = work, *spectrum = work + m_;
  for (int64_t k = 0; k < m_; ++k) a[k] = k < n_ ? times(in[k], chirp_[k]) : Complex();
  ENGINE_TRY(mixed(0, m_, a, 1, spectrum, check));
  for (int64_t k = 0; k < m_; ++k) a[k] = std::conj(times(spectrum[k], filter_[k]));
  ENGINE_TRY(mixed(0, m_, a, 1, spectrum, check));
  for (int64_t k = 0; k < n_; ++k) out[k] = times(std::conj(spectrum[k]), chirp_[k]) / double(m_);
  return {};
}

Status Fft::forward(const Complex* in, Complex* out, Complex* work, const Checkpoint* check) const {
  return m_ > 0 ? convolve(in, out, work, check) : mixed(0, n_, in, 1, out, check);
}

}  // namespace engine
