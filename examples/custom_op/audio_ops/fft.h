// The power spectrum of frames of one length.
#pragma once

#include <cstdint>

namespace audio {

// Tables for frames of `size` samples, a power of two from 2 on: plain floats, which may lie anywhere.
int64_t fft_table_floats(int64_t size);
void fill_fft_table(int64_t size, float* table);

// power[k] = |sum_n x[n] exp(-2 pi i k n / size)|^2 for k = 0 ... size / 2. work: 2 * size floats.
void power_spectrum(int64_t size, const float* table, const float* x, float* work, float* power);

}  // namespace audio
