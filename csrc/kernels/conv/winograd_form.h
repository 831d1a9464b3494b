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

// Transforms filters: G g transposed(G), in double precision.
class WinogradFilter {
 public:
  // kernel: extents along the axes of the form; kernel_step: elements between neighbouring taps.
  WinogradFilter(const ConvWinograd& form, const int64_t (&kernel)[2], const int64_t (&kernel_step)[2]);
  // filter: the first tap of one pair of channels. Writes a value for each point, `step` apart.
  void transform(const float* filter, float* transformed, int64_t step) const;

 private:
  int points_[2];
  int64_t kernel_[2], kernel_step_[2];
  std::vector<double> rows_[2];  // [point][tap]
};

}  // namespace engine
