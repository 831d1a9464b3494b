// Which Winograd forms compute a convolution, and which pays.
#pragma once

#include <optional>
#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/conv/winograd_jobs.h"

namespace engine {

// Points along each axis of a ConvWinograd.
struct WinogradForm {
  int points[2];
};

// The forms that compute the convolution from blocked to blocked, if any: it is dense, of stride 1, and of one or two
// dimensions with an odd extent of 3, 5 or 7.
std::vector<WinogradForm> winograd_forms(const ConvShape& shape);

// The form that is faster than summing directly, if one is. The same for any batch.
std::optional<WinogradForm> best_winograd_form(const ConvShape& shape);

// The spatial dimension of the shape behind each axis of a ConvWinograd.
void winograd_axes(const ConvShape& shape, int (&axis)[2]);

// REQUIRES: `form` is one of winograd_forms(shape).
ConvWinograd winograd_geometry(const ConvShape& shape, const WinogradForm& form);
std::unique_ptr<const ConvPlan> make_winograd_plan(const ConvShape& shape, const WinogradForm& form,
                                                   const ConvEpilogue& epilogue);

// Transforms the filters of a convolution.
class WinogradFilter {
 public:
  // `form`: of the shape.
  WinogradFilter(const ConvShape& shape, const ConvWinograd& form);
  // Filters of `count` output channels, as many as a block has at most, from `weight` on: [output channel][input channel][tap]. Point x
  // of input channel c is written at transformed + x * point_step + c * channel_step, a block that zeros fill up.
  void transform(const float* weight, int64_t count, float* transformed, int64_t channel_step, int64_t point_step) const;

 private:
  int64_t channels_, taps_;
  std::vector<double> rows_[2];
  ConvWinogradFilterJob job_ = {};
};

}  // namespace engine
