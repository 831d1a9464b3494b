// Convolutions (plain, grouped, depthwise, transposed; 1-D to 3-D; float32) in bounded tiles.
//
// A plan is made once for a shape and an epilogue on the active tier; it packs the weights and then runs any number of
// times. Packed weights depend on the weight's shape, the strides, dilations and pads and the layouts, never on the
// spatial sizes or the batch: plans of equal packing_key() share them.
//
// Thread-safety: a plan is immutable. Calls of run() on disjoint tile ranges may overlap in time when each has its own
// scratch. The bits of the output do not depend on how tiles are cut or ordered.
#pragma once

#include <stddef.h>

#include <memory>
#include <string>

#include "kernels/blocked/blocked.h"
#include "kernels/conv/conv_kernels.h"
#include "kernels/conv/conv_shape.h"

namespace engine {

enum class ConvAlgorithm : uint8_t {
  direct,           // plain or blocked -> blocked, sums of several pixels x output blocks in registers
  depthwise,        // blocked -> blocked, one filter a channel
  panel,            // plain -> plain, im2col into a scratch panel and a product; also transposed
  plain_depthwise,  // plain -> plain, one filter a channel
  narrow,           // plain -> plain, dense, into few channels
  winograd,         // blocked -> blocked, dense, stride 1: fewer products between transforms of tiles
};
const char* conv_algorithm_name(ConvAlgorithm algorithm);

// True when there is an algorithm from layout `input` to layout `output`. plain -> plain always has one.
bool conv_supports(const ConvShape& shape, ChannelLayout input, ChannelLayout output);

// True when blocked -> blocked is the faster choice, the conversions at the edges of a region left aside.
bool conv_prefers_blocked(const ConvShape& shape);

// True when plain -> plain is the faster choice even from a blocked input, which is converted then.
bool conv_prefers_plain(const ConvShape& shape);

// The arrays of one run. All but `residual` are required; residual has the output's shape and layout and is added
// before the activation. The output overlaps no other array: partial sums may wait in it.
// weight and bias are what pack() was given; shared: shared_bytes() of memory, aligned to 64, the same for every tile.
struct ConvTensors {
  const float* input;
  const float* packed;
  const float* residual;
  float* output;
  const float* weight;
  const float* bias;
  void* shared;
};

class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  virtual ConvAlgorithm algorithm() const = 0;

  // Equal keys: interchangeable packed weights, for the same weight and bias.
  virtual std::string packing_key() const = 0;
  virtual size_t packed_floats() const = 0;
  // Packing is cut into items; disjoint ranges may be packed at the same time. Together they write all of `packed`.
  // weight: as ConvShape says; bias: [c_out] or null for zeros.
  virtual size_t pack_items() const = 0;
  virtual void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const = 0;

  // Work is done in stages: all tiles of one before any of the next. A tile is some tens of microseconds of work.
  // Zero tiles when the output is empty.
  virtual size_t stages() const { return 1; }
  virtual size_t tiles(size_t stage) const = 0;
  // About how long a tile takes in nanoseconds; 0: what its products take.
  virtual double tile_ns(size_t stage) const { return 0; }
  // Bytes that each concurrent run() needs, aligned to 64; may be zero.
  virtual size_t scratch_bytes() const = 0;
  virtual size_t shared_bytes() const { return 0; }
  virtual void run(const ConvTensors& tensors, size_t stage, size_t begin, size_t end, void* scratch) const = 0;
};

// REQUIRES: conv_supports(shape, input, output).
std::unique_ptr<const ConvPlan> make_conv_plan(const ConvShape& shape, ChannelLayout input, ChannelLayout output,
                                               const ConvEpilogue& epilogue);

}  // namespace engine
