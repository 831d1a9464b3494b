#include "fft.h"

#include <cmath>

namespace audio {
namespace {

constexpr double kPi = 3.14159265358979323846;

// The index after `i` in the order of reversed bits.
int64_t next_reversed(int64_t i, int64_t size) {
  int64_t bit = size / 2;
  for (; i & bit; bit /= 2) i ^= bit;
  return i | bit;
}

}  // namespace

int64_t fft_table_floats(int64_t size) { return size; }

void fill_fft_table(int64_t size, float* table) {
  for (int64_t k = 0; k < size / 2; ++k) {
    table[2 * k] = float(std::cos(2 * kPi * double(k) / double(size)));
    table[2 * k + 1] = float(-std::sin(2 * kPi * double(k) / double(size)));
  }
}

void power_spectrum(int64_t size, const float* table, const float* x, float* work, float* power) {
  for (int64_t i = 0, to = 0; i < size; ++i, to = next_reversed(to, size)) {
    work[2 * to] = x[i];
    work[2 * to + 1] = 0;
  }
  for (int64_t half = 1; half < size; half *= 2) {
    const int64_t step = size / (2 * half);
    for (int64_t block = 0; block < size; block += 2 * half)
      for (int64_t k = 0; k < half; ++k) {
        const float c = table[2 * k * step], s = table[2 * k * step + 1];
        float* a = work + 2 * (block + k);
        float* b = a + 2 * half;
        const float re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;
        b[0] = a[0] - re;
        b[1] = a[1] - im;
        a[0] += re;
        a[1] += im;
      }
  }
  for (int64_t k = 0; k <= size / 2; ++k) power[k] = work[2 * k] * work[2 * k] + work[2 * k + 1] * work[2 * k + 1];
}

}  // namespace audio
