// Summing some tiles of a Winograd form directly.
#pragma once

#include "kernels/conv/plans.h"
#include "kernels/conv/winograd_jobs.h"

namespace engine {

class WinogradFallback {
 public:
  WinogradFallback(const ConvShape& shape, const ConvEpilogue& epilogue);
  // Of each concurrent run().
  size_t scratch_bytes() const;
  // Output tiles [begin, end) of an image, the output blocks of job `job` (ConvKernels::direct_blocks each), from the
  // weights as they were given.
  void run(const ConvTensors& tensors, const ConvWinograd& form, int64_t image, int64_t begin, int64_t end, int64_t job,
           void* scratch) const;

 private:
  const ConvShape shape_;
  const ConvFinish finish_;
  SegmentedRows rows_;  // segments of one pixel
};

}  // namespace engine
