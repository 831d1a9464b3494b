// What the Winograd kernels read. A form computes tiles of outputs[0] x outputs[1] output pixels from
// points[0] x points[1] products a channel, where points = outputs + kernel - 1 along each axis.
#pragma once

#include <stdint.h>

namespace engine {

struct ConvFinish;

// The points at which polynomials are evaluated are 0, infinity and the first pairs +-p of a row; `points` is 2 + 2 * pairs.
// They keep the rounding errors of the transforms small.
static constexpr float kWinogradPairs[4][3] = {{0, 0, 0}, {1, 0, 0}, {0.625f, 1.5f, 0}, {1, 2, 0.5f}};

static constexpr int kMostWinogradPoints = 8;  // along an axis

// Axes are ordered so that a form of one dimension has points[0] = 1. Tile t of an image is t / tiles[1] along axis 0,
// t % tiles[1] along axis 1. Along an axis, tile i has outputs at start + k * dilation, k < outputs, where
// start = i / dilation * outputs * dilation + i % dilation; those beyond `out` are left out.
struct ConvWinograd {
  int points[2], outputs[2];
  int64_t in[2], out[2], dilation[2], pad_begin[2], tiles[2];
  int64_t in_stride[2], out_stride[2];  // pixels between neighbours along an axis
};

// static: each instruction-set tier keeps its own copy.
static inline int64_t winograd_start(const ConvWinograd& f, int axis, int64_t tile) {
  return tile / f.dilation[axis] * f.outputs[axis] * f.dilation[axis] + tile % f.dilation[axis];
}

// Filters of one output block and some input channels, transformed: G g transposed(G), in double precision. The transform of
// point x and channel c is written at transformed + c * channel_step + x * point_step.
struct ConvWinogradFilterJob {
  int points[2];
  int64_t taps[2], tap_step[2];  // along the axes of the form; taps between neighbours
  const double* rows[2];         // G of each axis: [point][tap]
  const float* filters;          // [channel][tap][lanes]
  int64_t channels;
  float* transformed;
  int64_t channel_step, point_step;
};

// Tiles [begin, end) of one image, channel blocks [block_begin, block_end). The transform of point x, block c and tile t
// is written at transformed + x * point_step + c * transformed_step + (t - first) * lanes.
struct ConvWinogradInputJob {
  const ConvWinograd* form;
  const float* input;  // block 0 of the image
  int64_t input_step;  // floats between blocks
  int64_t begin, end, first;
  int64_t block_begin, block_end;
  float* transformed;
  int64_t point_step, transformed_step;
};

// One point, some tiles, `blocks` neighbouring output blocks: sums = transformed x weights.
// weights: [channel][blocks * lanes]. REQUIRES: rows >= 1; 1 <= blocks <= ConvKernels::direct_blocks.
struct ConvWinogradProductJob {
  const float* transformed;  // block 0 of the point, first tile
  int64_t transformed_step;  // floats between channel blocks
  int64_t rows, channels;
  const float* weights;
  float* sums;               // first block of the job, first tile
  int64_t sums_step;         // floats between output blocks
  int blocks;
  const float* next;         // weights that another job reads next, next_floats of them, or null
  int64_t next_floats;
};

// One output block, tiles [begin, end) of one image; sums of point x and tile t at sums + x * point_step + (t - first) * lanes.
struct ConvWinogradOutputJob {
  const ConvWinograd* form;
  const float* sums;
  int64_t point_step;
  int64_t begin, end, first;
  const float* bias;
  const float* residual;  // null, or laid out as the output
  float* output;          // the block's plane
  int last_lanes;
  const ConvFinish* finish;
};

}  // namespace engine
