#include "kernels/conv/plans.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 8;
constexpr int64_t kRowsTogether = 4;
constexpr double kShareOfPeak = 0.45;  // loads, not products, are what a depthwise convolution waits for

class DepthwisePlan final : public ConvPlan {
 public:
  DepthwisePlan(const ConvShape& s, const ConvEpilogue& epilogue)
      : kernels_(conv_kernels()), shape_(s), finish_(conv_finish(epilogue)), rows_(shape_, kernels_.direct_width) {
    const int64_t lanes = kernels_.lanes;
    blocks_ = ceil_div(s.c_out, lanes);
    rows_.rows.pixel_stride = lanes;
    rows_.rows.channel_stride = 1;
    rows_.rows.in_step = s.in_pixels() * lanes;
    rows_.rows.out_step = s.out_pixels() * lanes;
    const double flops = 2.0 * rows_.rows.width * lanes * double(s.taps());
    units_ = s.n * blocks_ * rows_.segments;
    tile_ = units_per_tile(flops, kernels_.flops_per_microsecond * kShareOfPeak, kTileMicroseconds, units_);
    // Whole rows, several at a time, are what the kernel does best.
    const int64_t rows = kRowsTogether * rows_.rows.row_segments;
    if (rows > 0 && tile_ > rows) tile_ -= tile_ % rows;
  }

  ConvAlgorithm algorithm() const override { return ConvAlgorithm::depthwise; }
  std::string packing_key() const override {
    return format("depthwise %d %s", kernels_.lanes, conv_weight_key(shape_).c_str());
  }
  size_t packed_floats() const override { return size_t(blocks_ * block_floats()); }
  size_t pack_items() const override { return size_t(blocks_); }
  void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const override {
    const int64_t lanes = kernels_.lanes, taps = shape_.taps();
    for (int64_t block = int64_t(begin); block < int64_t(end); ++block) {
      float* out = packed + block * block_floats();
      for (int64_t tap = -1; tap < taps; ++tap)
        for (int64_t c = block * lanes; c < (block + 1) * lanes; ++c, ++out) {
          *out = 0.0f;
          if (c < shape_.c_out) *out = tap >= 0 ? weight[c * taps + tap] : bias ? bias[c] : 0.0f;
        }
    }
  }

  size_t tiles(size_t) const override { return size_t(ceil_div(units_, tile_)); }
  size_t scratch_bytes() const override { return 0; }
  void run(const ConvTensors& t, size_t, size_t begin, size_t end, void*) const override {
    const int64_t last = int64_t(end) * tile_ < units_ ? int64_t(end) * tile_ : units_;
    for (int64_t unit = int64_t(begin) * tile_; unit < last;) {
      const int64_t plane = unit / rows_.segments, from = unit % rows_.segments;
      const int64_t to = from + last - unit < rows_.segments ? from + last - unit : rows_.segments;
      run_plane(t, plane, from, to);
      unit += to - from;
    }
  }

 private:
  int64_t block_floats() const { return kernels_.lanes * (1 + shape_.taps()); }

  void run_plane(const ConvTensors& t, int64_t plane, int64_t from, int64_t to) const {
    const int64_t block = plane % blocks_, out_at = plane * rows_.rows.out_step;
    ConvDepthwiseJob d;
    d.rows = &rows_.rows;
    d.input = t.input + plane * rows_.rows.in_step;
    d.bias = t.packed + block * block_floats();
    d.weights = d.bias + kernels_.lanes;
    d.residual = t.residual ? t.residual + out_at : nullptr;
    d.output = t.output + out_at;
    d.begin = from;
    d.end = to;
    d.last_lanes = int(block == blocks_ - 1 ? shape_.c_out - block * kernels_.lanes : kernels_.lanes);
    d.finish = finish_;
    kernels_.depthwise(d);
  }

  const ConvKernels& kernels_;
  const ConvShape shape_;
  const ConvFinish finish_;
  SegmentedRows rows_;
  int64_t blocks_;
  int64_t units_, tile_;  // segments of all planes; of one tile
};

}  // namespace

std::unique_ptr<const ConvPlan> make_depthwise_plan(const ConvShape& shape, const ConvEpilogue& epilogue) {
  return std::make_unique<DepthwisePlan>(shape, epilogue);
}

}  // namespace engine
