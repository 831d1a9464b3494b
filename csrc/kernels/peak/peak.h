// What a core reaches at best: float32 multiply-adds from registers, and bytes that a plain loop reads. What steps are held against.
#pragma once

#include <cstdint>

namespace engine {

struct PeakKernels {
  int64_t flops_per_step;
  // `steps` times as many multiply-adds as registers hold independent chains for. The result depends on all of them.
  float (*multiply_add)(int64_t steps);
  // Reads n floats, each once, in order. The result depends on all of them.
  float (*read)(const float* data, int64_t n);
};

// The kernels of the active tier. Thread-safe.
const PeakKernels& peak_kernels();

}  // namespace engine
