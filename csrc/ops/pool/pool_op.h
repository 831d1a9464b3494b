// Pooling operators over N, C, spatial...: maximum, mean and Lp norm of windows, or of all spatial positions.
#pragma once

#include <memory>

#include "kernels/pool/pool.h"
#include "ops/conv/window.h"

namespace engine {

enum class Pooling : uint8_t { max, average, lp };

// Input x of rank >= 3 (windows: up to 3 spatial dimensions; global: any number). float32 runs in the vectorised plans,
// the 16-bit floats are widened to float32 for them; float64, 8-bit integers, indices and norms go element by element.
// In domain "engine", maximum and mean of float32 data in the blocked layout [N, ceil(C / block), spatial..., block], whose
// number of channels is the attribute `channels`.
class PoolOp : public Op {
 public:
  // allowed: dtypes of x. global: one window over all positions, no window attributes.
  PoolOp(Pooling pooling, bool global, DTypeSet allowed) : pooling_(pooling), global_(global), allowed_(allowed) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 private:
  Status unblock(InferContext& c, Shape* x);
  Status infer_windows(InferContext& c, const Shape& x, Shape* output);
  void set_global(const Shape& x, Shape* output);
  void set_outputs(InferContext& c, const Shape* shape);
  Status run_plan(OpRun& r, const float* x, float* y) const;
  Status run_widened(OpRun& r) const;
  Status run_generic(OpRun& r) const;
  template <class T, class A>
  void run_range(OpRun& r, int64_t* indices, int64_t begin, int64_t end, int worker) const;

  Pooling pooling_;
  bool global_;
  DTypeSet allowed_;
  bool blocked_ = false, count_pads_ = false, column_major_ = false;
  int64_t p_ = 2;
  PoolShape shape_;
  std::unique_ptr<const PoolPlan> plan_;
  double ns_per_tile_ = 1, ns_per_output_ = 1;
};

}  // namespace engine
