// One stage of a mixed-radix transform with decimation in frequency, self-sorting: from in[l][q][i] to out[q][l][i], q one of p
// (the radix), l one of the product of the radices before, i one of what is left. out of q is the q-th number of the transform of
// the p numbers, times root^(l-stride * i * q).
#pragma once

#include <complex>
#include <cstdint>

namespace engine {

// Without the special cases for infinities that operator* has.
template <class T>
inline std::complex<T> times(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// -i a
template <class T>
inline std::complex<T> turned(std::complex<T> a) {
  return {a.imag(), -a.real()};
}

template <class T>
inline void butterfly2(const std::complex<T>* in, int64_t stride, std::complex<T>* out) {
  std::complex<T> a = in[0], b = in[stride];
  out[0] = a + b;
  out[1] = a - b;
}

template <class T>
inline void butterfly4(const std::complex<T>* in, int64_t stride, std::complex<T>* out) {
  std::complex<T> a = in[0] + in[2 * stride], b = in[0] - in[2 * stride];
  std::complex<T> c = in[stride] + in[3 * stride], d = turned(in[stride] - in[3 * stride]);
  out[0] = a + c;
  out[1] = b + d;
  out[2] = a - c;
  out[3] = b - d;
}

// Odd p, by sums and differences of pairs. unit[k] = e^(-2 pi i k / p), P = p or 0 when only run time knows.
template <int P, class T>
inline void butterfly_odd(const std::complex<T>* in, int64_t stride, std::complex<T>* out, const std::complex<T>* unit, int p) {
  constexpr int kMost = P > 0 ? P / 2 + 1 : 17;
  if (P > 0) p = P;
  std::complex<T> sum[kMost], difference[kMost];
  std::complex<T> first = in[0], total = first;
  for (int q = 1; q <= p / 2; ++q) {
    sum[q] = in[q * stride] + in[(p - q) * stride];
    difference[q] = in[q * stride] - in[(p - q) * stride];
    total += sum[q];
  }
  out[0] = total;
  for (int j = 1; j <= p / 2; ++j) {
    std::complex<T> even = first, odd;
    for (int q = 1, k = j; q <= p / 2; ++q, k = k + j < p ? k + j : k + j - p) {
      even += sum[q] * unit[k].real();
      odd += difference[q] * -unit[k].imag();
    }
    out[j] = even + turned(odd);
    out[p - j] = even - turned(odd);
  }
}

}  // namespace engine
