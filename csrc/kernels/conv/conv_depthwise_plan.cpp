#include <string.h>

#include "kernels/conv/conv_depthwise.h"

namespace engine {
namespace {

// A pointwise convolution is one row of pixels.
ConvShape one_row(ConvShape s) {
  if (s.taps() != 1) return s;
  for (int d = 1; d < 3; ++d)
    if (s.stride[d] != 1 || s.pad_begin[d] != 0 || s.in[d] != s.out[d]) return s;
  s.in[2] = s.out[2] = s.in_pixels();
  s.in[1] = s.out[1] = 1;
  return s;
}

// Segments that cover pixels [0, pixel), rounded up.
int64_t segments_to(const ConvRows& r, int64_t pixel) {
  return pixel / r.out[2] * r.row_segments + ceil_div(pixel % r.out[2], r.width);
}

// The segment that pixel `pixel` is in.
int64_t segment_of(const ConvRows& r, int64_t pixel) {
  return pixel / r.out[2] * r.row_segments + pixel % r.out[2] / r.width;
}

}  // namespace

ConvDepthwisePlan::ConvDepthwisePlan(const ConvShape& dense, ChannelLayout input, const ConvEpilogue& dense_epilogue,
                                     const ConvShape& depthwise, const ConvEpilogue& depthwise_epilogue)
    : kernels_(conv_kernels()), dense_shape_(dense), depthwise_shape_(depthwise), dense_finish_(conv_finish(dense_epilogue)),
      depthwise_finish_(conv_finish(depthwise_epilogue)), dense_(make_direct_plan(dense, input, dense_epilogue)),
      depthwise_(make_depthwise_plan(depthwise, depthwise_epilogue)), cut_(conv_depthwise_cut(dense, depthwise)),
      blocked_(input == ChannelLayout::blocked), dense_rows_(one_row(dense), kernels_.direct_width),
      depthwise_rows_(depthwise, kernels_.direct_width), blocks_(ceil_div(dense.c_out, kernels_.lanes)) {
  const int64_t lanes = kernels_.lanes;
  // A segment more at either end, and one to make their number even.
  held_ = segments_to(dense_rows_.rows, cut_.held_rows * dense.out[2]) + 3;
  dense_rows_.rows.pixel_stride = blocked_ ? lanes : 1;
  dense_rows_.rows.channel_stride = blocked_ ? 1 : dense.in_pixels();
  dense_rows_.rows.in_step = dense.in_pixels() * lanes;
  dense_rows_.rows.out_step = held_ * dense_rows_.rows.width * lanes;
  depthwise_rows_.rows.pixel_stride = lanes;
  depthwise_rows_.rows.channel_stride = 1;
  depthwise_rows_.rows.in_step = dense_rows_.rows.out_step;
  depthwise_rows_.rows.out_step = depthwise.out_pixels() * lanes;
}

double ConvDepthwisePlan::tile_ns() const {
  const double rows = double(conv_input_rows(depthwise_shape_, 0, cut_.stretch_rows).to);
  return 1e3 * (rows * cut_.dense_flops + double(cut_.stretch_rows) * cut_.filter_flops) / kernels_.flops_per_microsecond;
}

size_t ConvDepthwisePlan::scratch_bytes() const { return size_t(kernels_.direct_blocks * dense_rows_.rows.out_step) * sizeof(float); }

void ConvDepthwisePlan::run(const ConvDepthwiseTensors& t, size_t begin, size_t end, void* scratch) const {
  for (size_t i = begin; i < end; ++i) run_tile(t, int64_t(i), static_cast<float*>(scratch));
}

int64_t ConvDepthwisePlan::pixel_of(int64_t segment) const {
  const ConvRows& r = dense_rows_.rows;
  return segment / r.row_segments * r.out[2] + segment % r.row_segments * r.width;
}

ConvDepthwisePlan::Tile ConvDepthwisePlan::tile_at(int64_t i) const {
  Tile tile;
  tile.image = i / (cut_.jobs * cut_.stretches);
  tile.block = i % cut_.jobs * kernels_.direct_blocks;
  tile.blocks = blocks_ - tile.block < kernels_.direct_blocks ? blocks_ - tile.block : kernels_.direct_blocks;
  const int64_t left = dense_shape_.c_out - (tile.block + tile.blocks - 1) * kernels_.lanes;
  tile.last_lanes = int(left < kernels_.lanes ? left : kernels_.lanes);
  tile.base = tile.made = 0;
  return tile;
}

void ConvDepthwisePlan::run_tile(const ConvDepthwiseTensors& t, int64_t i, float* scratch) const {
  Tile tile = tile_at(i);
  const int64_t first = i / cut_.jobs % cut_.stretches * cut_.stretch_rows, rows = depthwise_shape_.out[1];
  const int64_t last = first + cut_.stretch_rows < rows ? first + cut_.stretch_rows : rows;
  for (int64_t row = first; row < last; row += cut_.step_rows) {
    const int64_t end = row + cut_.step_rows < last ? row + cut_.step_rows : last;
    make_rows(t, tile, conv_input_rows(depthwise_shape_, row, end), scratch);
    filter_rows(t, tile, row, end, scratch);
  }
}

// Segments [from, to) are wanted: what of them is made already moves to the front unless all fit behind it.
void ConvDepthwisePlan::make_room(Tile& tile, int64_t from, int64_t to, float* scratch) const {
  if (to <= tile.base + held_ && tile.made >= from) return;
  const int64_t step = dense_rows_.rows.out_step, lanes = kernels_.lanes;
  if (tile.made > from) {
    const int64_t floats = (pixel_of(tile.made) - pixel_of(from)) * lanes, at = (pixel_of(from) - pixel_of(tile.base)) * lanes;
    for (int64_t block = 0; block < tile.blocks; ++block)
      memmove(scratch + block * step, scratch + block * step + at, size_t(floats) * sizeof(float));
  } else {
    tile.made = from;
  }
  tile.base = from;
}

void ConvDepthwisePlan::make_rows(const ConvDepthwiseTensors& t, Tile& tile, const ConvInputRows& rows, float* scratch) const {
  if (rows.to <= rows.from) return;
  const int64_t lanes = kernels_.lanes, width = dense_shape_.out[2], sums = dense_shape_.c_in * dense_shape_.taps();
  const ConvRows& r = dense_rows_.rows;
  const int64_t from = segment_of(r, rows.from * width);
  int64_t to = segments_to(r, rows.to * width);
  make_room(tile, from, to, scratch);
  if (to <= tile.made) return;
  if ((to - tile.made) % 2 == 1 && to < dense_rows_.segments && to < tile.base + held_) ++to;
  const int64_t in_channels = blocked_ ? ceil_div(dense_shape_.c_in, lanes) * lanes : dense_shape_.c_in;
  ConvDirectJob d;
  d.rows = &r;
  d.input = t.input + tile.image * in_channels * dense_shape_.in_pixels();
  d.bias = t.packed_dense + tile.block * lanes * (1 + sums);
  d.blocks = int(tile.blocks);
  d.weights = d.bias + tile.blocks * lanes;
  d.residual = nullptr;
  d.output = scratch - pixel_of(tile.base) * lanes;
  d.begin = tile.made;
  d.end = to;
  d.channels = dense_shape_.c_in;
  d.step_channels = blocked_ ? lanes : dense_shape_.c_in;
  d.chunk_steps = ceil_div(d.channels, d.step_channels);
  d.last_lanes = tile.last_lanes;
  d.finish = dense_finish_;
  kernels_.direct(d);
  tile.made = to;
}

void ConvDepthwisePlan::filter_rows(const ConvDepthwiseTensors& t, const Tile& tile, int64_t begin, int64_t end, const float* scratch) const {
  const int64_t lanes = kernels_.lanes, packed = lanes * (1 + depthwise_shape_.taps());
  for (int64_t k = 0; k < tile.blocks; ++k) {
    const int64_t block = tile.block + k;
    ConvDepthwiseJob d;
    d.rows = &depthwise_rows_.rows;
    d.input = scratch + k * depthwise_rows_.rows.in_step - pixel_of(tile.base) * lanes;
    d.bias = t.packed_depthwise + block * packed;
    d.weights = d.bias + lanes;
    d.residual = nullptr;
    d.output = t.output + (tile.image * blocks_ + block) * depthwise_rows_.rows.out_step;
    d.begin = begin * depthwise_rows_.rows.row_segments;
    d.end = end * depthwise_rows_.rows.row_segments;
    d.last_lanes = k + 1 == tile.blocks ? tile.last_lanes : int(lanes);
    d.finish = depthwise_finish_;
    kernels_.depthwise(d);
  }
}

}  // namespace engine
