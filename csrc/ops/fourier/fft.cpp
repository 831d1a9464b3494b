#include "ops/fourier/fft.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/fourier/butterfly.h"

namespace engine {
namespace {

constexpr double kQuarterPi = 0.785398163397448309616;
constexpr int kLargestRadix = 32;

// e^(-2 pi i k / n), 0 <= k < n, with the angle brought into an eighth of a turn by integers.
std::complex<double> root(int64_t k, int64_t n) {
  using Wide = __int128;
  int64_t eighth = int64_t(Wide(8) * k / n);
  Wide within = Wide(8) * k - Wide(eighth) * n;
  if (eighth & 1) within = n - within;
  double angle = kQuarterPi * double(int64_t(within)) / double(n);
  double c = std::cos(angle), s = std::sin(angle);
  if ((eighth + 1) / 2 & 1) std::swap(c, s);
  if (eighth >= 2 && eighth < 6) c = -c;
  if (eighth >= 4) s = -s;
  return {c, -s};
}

template <class T>
std::complex<T> rounded(std::complex<double> a) {
  return {T(a.real()), T(a.imag())};
}

template <class T>
struct Stage {
  const std::complex<T>* in;
  std::complex<T>* out;
  const std::complex<T>* roots;
  int64_t begin, end, before, left, size;
};

// P: the radix, or 0 when only run time knows it.
template <int P, class T>
void sweep(const Stage<T>& s, int p) {
  constexpr int kMost = P > 0 ? P : kLargestRadix;
  if (P > 0) p = P;
  std::complex<T> unit[kMost], made[kMost];
  for (int k = 0; k < p; ++k) unit[k] = s.roots[k * (s.size / p)];
  int64_t jump = s.size / p, i = s.begin % s.left;
  for (int64_t at = s.begin; at < s.end; ++at) {
    const std::complex<T>* x = s.in + (at - i) * p + i;
    if constexpr (P == 1) made[0] = x[0];
    else if constexpr (P == 2) butterfly2(x, s.left, made);
    else if constexpr (P == 4) butterfly4(x, s.left, made);
    else butterfly_odd<P>(x, s.left, made, unit, p);
    s.out[at] = made[0];
    int64_t root = i * s.before;
    for (int q = 1; q < p; ++q) s.out[at + q * jump] = i == 0 ? made[q] : times(made[q], s.roots[root * q]);
    if (++i == s.left) i = 0;
  }
}

}  // namespace

template <class T>
auto Fft<T>::factor(int64_t n, int64_t* largest) -> Radix {
  Radix r;
  *largest = 1;
  auto take = [&](int p) {
    for (; n % p == 0; n /= p) {
      r.p[r.count++] = p;
      *largest = std::max<int64_t>(*largest, p);
    }
  };
  if (n == 1) r.p[r.count++] = 1;
  take(4);
  take(2);
  if (r.count > 1 && r.p[r.count - 1] == 2) std::swap(r.p[0], r.p[r.count - 1]);
  for (int p = 3; p <= kLargestRadix; p += 2) take(p);
  if (n > 1) *largest = n;
  int64_t before = 1;
  for (int s = 0; s < r.count; before *= r.p[s++]) r.before[s] = before;
  return r;
}

template <class T>
bool Fft<T>::convolves(int64_t n) {
  int64_t largest;
  factor(n, &largest);
  return largest > kLargestRadix;
}

template <class T>
int64_t Fft<T>::convolution_length(int64_t n) {
  int64_t m = 1;
  while (m < 2 * n - 1) m *= 2;
  return m;
}

template <class T>
int64_t Fft<T>::table_size(int64_t n) {
  return convolves(n) ? n + 3 * convolution_length(n) : n;
}

template <class T>
Fft<T>::Fft(int64_t n, Complex* memory) : n_(n), m_(convolves(n) ? convolution_length(n) : 0), roots_(memory) {
  int64_t largest;
  radix_ = factor(size(), &largest);
  if (m_ == 0) return;
  kernel_[0] = roots_ + m_;
  kernel_[1] = kernel_[0] + m_;
  chirp_ = kernel_[1] + m_;
  filter_ = kernel_[radix_.count % 2];
}

template <class T>
double Fft<T>::ns() const {
  double total = 20;
  for (int p = 0; p < passes(); ++p) total += double(items(p)) * item_ns(p);
  return total;
}

template <class T>
int Fft<T>::stage_of(int pass) const {
  if (m_ == 0) return pass;
  if (pass >= 1 && pass <= radix_.count) return pass - 1;
  return pass > radix_.count + 1 && pass < passes() - 1 ? pass - radix_.count - 2 : -1;
}

template <class T>
double Fft<T>::stage_ns(int stage) const {
  int p = radix_.p[stage];
  return p <= 4 ? 2.5 * p : 3 * p + 0.8 * p * p;
}

template <class T>
int64_t Fft<T>::items(int pass) const {
  int s = stage_of(pass);
  return s >= 0 ? size() / radix_.p[s] : pass == passes() - 1 ? n_ : m_;
}

template <class T>
double Fft<T>::item_ns(int pass) const {
  int s = stage_of(pass);
  return s >= 0 ? stage_ns(s) : 2.5;
}

// With the chirp c: out[k] = c[k] sum of (in[j] c[j]) conj(c[k - j]), a convolution by transforms of length m. The second is
// an inverse one, by conjugates.
template <class T>
void Fft<T>::run(int pass, int64_t begin, int64_t end, Complex* from, Complex* to) const {
  int s = stage_of(pass);
  if (s >= 0) return stage(s, begin, end, from, to);
  if (pass == 0) {
    for (int64_t k = begin; k < end; ++k) from[k] = k < n_ ? times(from[k], chirp_[k]) : Complex();
  } else if (pass < passes() - 1) {
    for (int64_t k = begin; k < end; ++k) from[k] = std::conj(times(from[k], filter_[k]));
  } else {
    for (int64_t k = begin; k < end; ++k) from[k] = times(std::conj(from[k]), chirp_[k]) * (T(1) / T(m_));
  }
}

template <class T>
int64_t Fft<T>::table_items(int pass) const {
  if (pass == 0) return m_ > 0 ? m_ + n_ : n_;
  return pass == 1 ? m_ : m_ / radix_.p[pass - 2];
}

template <class T>
void Fft<T>::run_table(int pass, int64_t begin, int64_t end) const {
  using Wide = unsigned __int128;
  if (pass == 0) {
    for (int64_t k = begin; k < end; ++k) {
      int64_t j = k - size();
      if (j < 0) roots_[k] = rounded<T>(root(k, size()));
      else chirp_[j] = rounded<T>(root(int64_t(Wide(j) * Wide(j) % Wide(2 * n_)), 2 * n_));
    }
  } else if (pass == 1) {
    for (int64_t k = begin; k < end; ++k) {
      int64_t j = std::min(k, m_ - k);
      kernel_[0][k] = j < n_ ? std::conj(chirp_[j]) : Complex();
    }
  } else {
    stage(pass - 2, begin, end, kernel_[pass % 2], kernel_[1 - pass % 2]);
  }
}

template <class T>
void Fft<T>::make() const {
  for (int p = 0; p < table_passes(); ++p) run_table(p, 0, table_items(p));
}

template <class T>
auto Fft<T>::forward(Complex* a, Complex* b) const -> Complex* {
  for (int p = 0; p < passes(); ++p) {
    run(p, 0, items(p), a, b);
    if (moves(p)) std::swap(a, b);
  }
  return a;
}

template <class T>
void Fft<T>::stage(int index, int64_t begin, int64_t end, const Complex* in, Complex* out) const {
  int p = radix_.p[index];
  int64_t before = radix_.before[index];
  Stage<T> s{in, out, roots_, begin, end, before, size() / (before * p), size()};
  switch (p) {
    case 1: return sweep<1>(s, p);
    case 2: return sweep<2>(s, p);
    case 3: return sweep<3>(s, p);
    case 4: return sweep<4>(s, p);
    case 5: return sweep<5>(s, p);
    case 7: return sweep<7>(s, p);
    case 11: return sweep<11>(s, p);
    default: return sweep<0>(s, p);
  }
}

template class Fft<float>;
template class Fft<double>;

}  // namespace engine
