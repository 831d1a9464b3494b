// What an instruction-set tier supplies to convolutions, and the plain structs that it reads.
// conv.h is the interface for operators; this one is between its parts.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/activation.h"
#include "kernels/conv/winograd_jobs.h"
#include "kernels/elementwise/elementwise.h"

namespace engine {

// What happens to a sum before it is stored: + residual, then the activation with its parameters.
struct ConvEpilogue {
  Activation activation = Activation::none;
  float alpha = 0, beta = 0;
};

// An epilogue as kernels take it: limits in registers (infinite where there are none), then perhaps a function of what
// is stored.
struct ConvFinish {
  float low, high;
  UnaryFn curve;  // null for activations that are limits
  UnaryParams params;
};

// For the active tier.
ConvFinish conv_finish(const ConvEpilogue& epilogue);

// Rows of output pixels, cut into segments of `width` neighbours: the unit that kernels keep in registers.
// Segment s covers row s / row_segments, columns from s % row_segments * width; the last of a row may be short.
// A row index runs over depth * height. Strides are in floats.
struct ConvRows {
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad_begin[3];
  int64_t in_depth, out_depth;  // pixels between planes of one depth and the next, in the input and in the output
  int64_t pixel_stride;   // between input pixels of a row: lanes of a blocked input, 1 in a plain one
  int64_t channel_stride; // between input channels of one step: 1 in a blocked input, the plane in a plain one
  int64_t in_step;        // between the starts of channel steps
  int64_t out_step;       // between output channel blocks
  int width;
  int64_t row_segments;
  // For each segment of a row 1 + kernel[2] masks: masks[1 + kw] has bit p set when pixel p of the segment is inside
  // the output and reads inside the input through kernel column kw; masks[0] is what these have in common.
  const uint32_t* masks;
};

// The dense kernel: `blocks` neighbouring output channel blocks of segments [begin, end) of one image and group.
// weights: [channel step][kd][kh][kw][channel of the step][blocks * lanes], then nothing is read beyond `channels`.
struct ConvDirectJob {
  const ConvRows* rows;
  const float* input;     // first channel of the group
  const float* weights;
  const float* bias;      // blocks * lanes
  const float* residual;  // null, or laid out as the output
  float* output;          // first block
  int64_t begin, end;
  int64_t channels;       // input channels
  int64_t step_channels;  // channels of a step; the last step takes what is left
  int64_t chunk_steps;    // steps per pass over the segments; partial sums wait in the output between passes
  bool weights_cold = false;    // hardly in the second-level cache: each pass fetches those of the next one
  const float* next = nullptr;  // what another job reads next, next_floats of it, fetched by the last pass; or null
  int64_t next_floats = 0;
  int blocks;             // 1 <= blocks <= ConvKernels::direct_blocks
  int last_lanes;         // lanes of the last block that are real channels; the others are stored as +0
  ConvFinish finish;
};

// The depthwise kernel: one channel block of segments [begin, end). weights: [kd][kh][kw][lanes].
struct ConvDepthwiseJob {
  const ConvRows* rows;
  const float* input;
  const float* weights;
  const float* bias;
  const float* residual;
  float* output;
  int64_t begin, end;
  int last_lanes;
  ConvFinish finish;
};

// A grid of output pixels that read the input through the same taps: all of a convolution's, or of a transposed one
// those of one phase. Dimension d of grid point g reads g * step[d] + offset[d][tap] and is written at
// out_start[d] + g * out_stride[d].
struct ConvGrid {
  int64_t grid[3], step[3], in[3], out[3], out_start[3], out_stride[3];
  int64_t taps[3];
  const int64_t* offset[3];
};

// A stretch of a panel and where it comes from in each channel's plane: count elements, grid.step[2] apart.
struct ConvPiece {
  int64_t from, to, count;
};

// The panel kernel (im2col + product), plain tensors: grid pixels [begin, end) of one image and group, output channels
// in row tiles [tile_begin, tile_end) of `tile_rows`.
// weights: [row tile][channel][taps in order d, h, w][tile_rows].
// REQUIRES: end - begin <= ConvKernels::panel_pixels; tile_rows is even and at most ConvKernels::panel_rows.
struct ConvPanelJob {
  const ConvGrid* grid;
  const float* input;
  const float* weights;
  const float* bias;      // channels of the group, padded to whole row tiles
  const float* residual;  // null, or laid out as the output
  float* output;          // first channel of the group
  int64_t begin, end;
  int64_t tile_begin, tile_end;
  int tile_rows;
  int64_t channels;       // input channels of the group
  int64_t channel_begin, channel_end;  // of these: the ones to add now, in ascending order; the last of all finishes
  int64_t out_channels;   // output channels of the group
  int64_t chunk;          // input channels per pass; partial sums wait in the output between passes
  float* panel;           // scratch: chunk * taps * panel_pixels floats
  ConvPiece* pieces;      // scratch: taps * (grid rows that a panel may touch)
  ConvFinish finish;
};

// Depthwise on plain tensors: output rows [begin, end) (depth * height) of one channel.
struct ConvPlainDepthwiseJob {
  const ConvRows* rows;   // pixel_stride 1; segments are not used
  const float* input;     // the channel's plane
  const float* weights;   // [kd][kh][kw]
  float bias;
  const float* residual;
  float* output;          // the channel's plane
  int64_t begin, end;
  float* scratch;         // kernel[0] * kernel[1] * min(stride[2], reach) * (out[2] + reach + 2 * lanes) floats, where
                          // reach = (kernel[2] - 1) * dilation[2] + 1 input columns
  int64_t* kernel_rows;   // scratch of kernel[0] * kernel[1]
  ConvFinish finish;
};

// Dense convolution of plain tensors into few channels: a rectangle of output pixels of one image and group.
// weights: [row tile][channel][kh][kw][tile_rows]; bias is padded to whole row tiles. REQUIRES: one pixel in depth.
struct ConvNarrowJob {
  const ConvRows* rows;   // segments are not used
  const float* input;     // first channel of the group
  const float* weights;
  const float* bias;
  const float* residual;  // null, or laid out as the output
  float* output;          // first channel of the group
  int64_t row_begin, row_end, column_begin, column_end;
  int64_t channels, out_channels;
  int tile_rows;          // 1, 2 or 4
  float* scratch;         // the input rows in phases, for each channel
  int64_t* offsets;       // scratch of kernel[2]
  const float** laid;     // scratch of kernel[1]
  ConvFinish finish;
};

struct ConvKernels {
  int lanes;          // of a channel block
  int direct_blocks;  // most output blocks of a direct job
  int direct_width;   // most pixels of a segment
  int panel_pixels;   // pixels of a panel
  int panel_rows;     // most rows of a row tile
  double flops_per_microsecond;  // order of magnitude, to size tiles
  void (*direct)(const ConvDirectJob&);
  void (*depthwise)(const ConvDepthwiseJob&);
  void (*panel)(const ConvPanelJob&);
  void (*plain_depthwise)(const ConvPlainDepthwiseJob&);
  void (*narrow)(const ConvNarrowJob&);
  void (*winograd_filter)(const ConvWinogradFilterJob&);
  void (*winograd_input)(const ConvWinogradInputJob&);
  void (*winograd_product)(const ConvWinogradProductJob&);
  bool (*winograd_output)(const ConvWinogradOutputJob&);  // false: a sum is infinite or NaN
};

// The table of the active tier.
const ConvKernels& conv_kernels();

}  // namespace engine
