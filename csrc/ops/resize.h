// Resize, and Upsample, its first name.
#pragma once

#include "ops/element.h"
#include "ops/resize_axis.h"

namespace engine {

class Resize final : public Op {
 public:
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  // One axis resampled: [outer, in, inner] -> [outer, out, inner].
  struct Pass {
    int64_t outer, in, out, inner, taps;
    std::vector<int64_t> index;
    std::vector<float> weight;
    std::vector<double> wide_weight;
    template <class A>
    const A* weights() const;
  };

  Status read_options(const InferContext& c);
  // The scales (empty: not known, or sizes are given) and sizes for all axes of the input.
  Status read_scales(const InferContext& c, std::vector<double>* scales) const;
  Status read_sizes(const InferContext& c, std::vector<int64_t>* sizes, std::vector<double>* scales) const;
  Status read_region(const InferContext& c);
  Status read_axes(const InferContext& c, int rank);
  Status choose_dimensions(const InferContext& c, Shape* out, bool* known);

  void prepare_nearest(const Shape& out);
  void note_repeats();
  Status prepare_passes(PrepareContext& c);
  template <class T>
  Status run_nearest(OpRun& r) const;
  template <class A>
  Status run_passes(OpRun& r) const;
  template <class A>
  Status run_pass(OpRun& r, const Pass& pass, const A* in, A* out) const;

  ResizeOptions options_;
  std::vector<int> axes_of_;        // the axes that scales, sizes and roi speak of
  std::vector<ResizeAxis> axes_;    // by input axis
  std::vector<std::vector<int64_t>> positions_;  // Nearest: by joined axis, where each output position looks
  std::vector<int64_t> strides_, lengths_;       // Nearest: by joined axis, of the input; output lengths
  int64_t run_ = 1;                 // Nearest: elements that stay together
  int64_t repeat_ = 0;              // Nearest: > 0 when the last axis shows each position that often, without gaps
  bool outside_ = false;            // Nearest: the last axis has positions of -1
  std::vector<Pass> passes_;
  bool wide_ = false, converts_ = false;
  int64_t buffer_elements_ = 0;     // of each of the two buffers between passes
};

}  // namespace engine
