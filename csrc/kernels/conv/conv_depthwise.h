// A dense convolution and the depthwise one that reads it, as one: of the tensor between them a few rows of a few channels
// exist at a time, in scratch.
//
// Thread-safety and bits: as conv.h. Each of the two is packed as its own plan packs it.
#pragma once

#include "kernels/conv/plans.h"

namespace engine {

// True when ConvDepthwisePlan computes the pair; `input` is the layout that the dense one reads.
bool conv_depthwise_fits(const ConvShape& dense, ChannelLayout input, const ConvShape& depthwise);

// True when it fits and gains: rows at the edges of tiles, which are made twice, cost less than the tensor between the two.
bool conv_depthwise_pays(const ConvShape& dense, ChannelLayout input, const ConvShape& depthwise);

// How the work is cut. A tile is a stretch of output rows of one job, that is of up to direct_blocks channel blocks; in it
// some rows are made at a time.
struct ConvDepthwiseCut {
  int64_t jobs;
  int64_t stretch_rows, stretches;  // output rows of a tile; of an image
  int64_t step_rows;                // output rows that are made at a time
  int64_t held_rows;                // rows between the two that scratch holds
  double dense_flops, filter_flops; // of a row between the two and of an output row, the latter as what they take
};
ConvDepthwiseCut conv_depthwise_cut(const ConvShape& dense, const ConvShape& depthwise);

// The rows of `depthwise`'s input that its output rows [begin, end) read: [from, to), perhaps none.
struct ConvInputRows {
  int64_t from, to;
};
ConvInputRows conv_input_rows(const ConvShape& depthwise, int64_t begin, int64_t end);

// All required. packed: what dense().pack() and depthwise().pack() wrote. The output overlaps no other array.
struct ConvDepthwiseTensors {
  const float* input;
  const float* packed_dense;
  const float* packed_depthwise;
  float* output;
};

class ConvDepthwisePlan {
 public:
  // REQUIRES: conv_depthwise_fits(dense, input, depthwise). The result of both is blocked.
  ConvDepthwisePlan(const ConvShape& dense, ChannelLayout input, const ConvEpilogue& dense_epilogue, const ConvShape& depthwise,
                    const ConvEpilogue& depthwise_epilogue);

  const ConvPlan& dense() const { return *dense_; }
  const ConvPlan& depthwise() const { return *depthwise_; }

  size_t tiles() const { return size_t(dense_shape_.n * cut_.stretches * cut_.jobs); }
  double tile_ns() const;
  // Bytes that each concurrent run() needs, aligned to 64.
  size_t scratch_bytes() const;
  void run(const ConvDepthwiseTensors& tensors, size_t begin, size_t end, void* scratch) const;

 private:
  struct Tile {
    int64_t image, block, blocks;  // the job's first block, and how many
    int last_lanes;
    int64_t base, made;            // segments of the dense output: the first that scratch holds, and the end of those that it does
  };
  Tile tile_at(int64_t i) const;
  int64_t pixel_of(int64_t segment) const;
  void run_tile(const ConvDepthwiseTensors& t, int64_t i, float* scratch) const;
  void make_room(Tile& tile, int64_t from, int64_t to, float* scratch) const;
  void make_rows(const ConvDepthwiseTensors& t, Tile& tile, const ConvInputRows& rows, float* scratch) const;
  void filter_rows(const ConvDepthwiseTensors& t, const Tile& tile, int64_t begin, int64_t end, const float* scratch) const;

  const ConvKernels& kernels_;
  const ConvShape dense_shape_, depthwise_shape_;
  const ConvFinish dense_finish_, depthwise_finish_;
  const std::unique_ptr<const ConvPlan> dense_, depthwise_;
  const ConvDepthwiseCut cut_;
  const bool blocked_;
  SegmentedRows dense_rows_, depthwise_rows_;
  int64_t blocks_;  // of the channels between the two
  int64_t held_;    // segments that scratch holds
};

}  // namespace engine
