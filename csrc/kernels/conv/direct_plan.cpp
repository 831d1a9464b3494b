#include <utility>

#include "kernels/conv/direct_weights.h"
#include "kernels/conv/plans.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 50;
constexpr int64_t kCacheBytes = 448 << 10;  // what may stay in the second-level cache between tiles
constexpr int64_t kChunkBytes = 256 << 10;  // weights that stay in the second-level cache between segments
constexpr int64_t kFewSegments = 16;

// A pointwise convolution is one row of pixels; dimensions of one pixel go first, since neighbours along the last one are
// summed together.
ConvShape flatten(ConvShape s) {
  for (int d = 2; d > 0 && s.in[2] == 1 && s.out[2] == 1 && s.kernel[2] == 1 && s.pad_begin[2] == 0; --d) {
    for (auto* sizes : {&s.in, &s.out, &s.kernel, &s.stride, &s.dilation, &s.pad_begin})
      for (int i = 2; i > 0; --i) std::swap((*sizes)[i], (*sizes)[i - 1]);
  }
  if (s.taps() != 1) return s;
  for (int d = 0; d < 3; ++d)
    if (s.stride[d] != 1 || s.pad_begin[d] != 0 || s.in[d] != s.out[d]) return s;
  s.in[2] = s.out[2] = s.in_pixels();
  s.in[0] = s.in[1] = s.out[0] = s.out[1] = 1;
  return s;
}

// Small images go as the depth of one, so that segments of neighbouring images share what is read of the weights.
ConvShape fold_images(ConvShape s, int width) {
  const bool flat = s.in[0] == 1 && s.out[0] == 1 && s.kernel[0] == 1 && s.pad_begin[0] == 0;
  if (!flat || s.n < 2 || s.out[1] * ceil_div(s.out[2], width) > kFewSegments) return s;
  s.in[0] = s.out[0] = s.n;
  s.stride[0] = s.n = 1;
  return s;
}

class DirectPlan final : public ConvPlan {
 public:
  DirectPlan(const ConvShape& s, ChannelLayout input, const ConvEpilogue& epilogue)
      : kernels_(conv_kernels()), shape_(fold_images(flatten(s), kernels_.direct_width)), weight_key_(conv_weight_key(s)),
        finish_(conv_finish(epilogue)), rows_(shape_, kernels_.direct_width) {
    const int64_t lanes = kernels_.lanes;
    const bool blocked = input == ChannelLayout::blocked;
    sums_ = shape_.group_in() * shape_.taps();
    group_blocks_ = ceil_div(shape_.group_out(), lanes);
    group_jobs_ = ceil_div(group_blocks_, kernels_.direct_blocks);
    step_channels_ = blocked ? lanes : shape_.group_in();
    rows_.rows.pixel_stride = blocked ? lanes : 1;
    rows_.rows.channel_stride = blocked ? 1 : s.in_pixels();
    rows_.rows.in_step = s.in_pixels() * lanes;
    rows_.rows.out_step = s.out_pixels() * lanes;
    plane_ = s.in_pixels();
    image_floats_ = (blocked ? ceil_div(s.c_in, lanes) * lanes : s.c_in) * s.in_pixels();
    if (shape_.n != s.n) {
      rows_.rows.in_depth = image_floats_ / rows_.rows.pixel_stride;
      rows_.rows.out_depth = ceil_div(s.c_out, lanes) * s.out_pixels();
    }
    const int64_t steps = ceil_div(shape_.group_in(), step_channels_);
    const int64_t step_bytes = step_channels_ * shape_.taps() * kernels_.direct_blocks * lanes * 4;
    const int64_t passes = ceil_div(steps * step_bytes, step_bytes > kChunkBytes ? step_bytes : kChunkBytes);
    chunk_steps_ = ceil_div(steps, passes);
    const double flops = 2.0 * rows_.rows.width * kernels_.direct_blocks * lanes * double(sums_);
    band_ = units_per_tile(flops, kernels_.flops_per_microsecond, kTileMicroseconds, rows_.segments);
    if (band_ > 1 && band_ < rows_.segments) band_ &= ~int64_t(1);
    bands_ = ceil_div(rows_.segments, band_);
    order_tiles();
  }

  ConvAlgorithm algorithm() const override { return ConvAlgorithm::direct; }
  std::string packing_key() const override {
    return format("direct %d %d %d %s", kernels_.lanes, kernels_.direct_blocks, int(step_channels_),
                  weight_key_.c_str());
  }
  size_t packed_floats() const override {
    return size_t(shape_.groups * group_blocks_ * kernels_.lanes * (1 + sums_));
  }
  size_t pack_items() const override { return size_t(shape_.groups * group_jobs_); }
  void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const override {
    for (size_t i = begin; i < end; ++i) pack_job(weight, bias, int64_t(i), packed + job_at(int64_t(i)));
  }

  size_t tiles(size_t) const override { return size_t(shape_.n * shape_.groups * group_jobs_ * bands_); }
  size_t scratch_bytes() const override { return 0; }
  void run(const ConvTensors& t, size_t, size_t begin, size_t end, void*) const override {
    for (size_t i = begin; i < end; ++i) run_tile(t, int64_t(i));
  }

 private:
  int64_t job_blocks(int64_t job) const {
    const int64_t left = group_blocks_ - job % group_jobs_ * kernels_.direct_blocks;
    return left < kernels_.direct_blocks ? left : kernels_.direct_blocks;
  }
  int64_t job_block(int64_t job) const {
    return job / group_jobs_ * group_blocks_ + job % group_jobs_ * kernels_.direct_blocks;
  }
  int64_t job_at(int64_t job) const { return job_block(job) * kernels_.lanes * (1 + sums_); }

  // Tiles go stretch by stretch, in it job by job, in that band by band. All weights in the cache: a stretch is a band.
  void order_tiles() {
    const int64_t image_bytes = shape_.group_in() * shape_.in_pixels() * 4;
    stretch_ = 1;
    if (shape_.weight_count() / shape_.groups * 4 <= kCacheBytes || bands_ == 0) return;
    const int64_t band_bytes = image_bytes / bands_ + 1;
    stretch_ = band_bytes < kCacheBytes ? kCacheBytes / band_bytes : 1;
    if (stretch_ > bands_) stretch_ = bands_;
  }

  void pack_job(const float* weight, const float* bias, int64_t job, float* out) const {
    const int64_t first = job % group_jobs_ * kernels_.direct_blocks * kernels_.lanes;
    pack_direct_weights(shape_, weight, bias, {job / group_jobs_, first, job_blocks(job) * kernels_.lanes, step_channels_}, out);
  }

  void run_tile(const ConvTensors& t, int64_t tile) const {
    const int64_t jobs = shape_.groups * group_jobs_;
    const int64_t image = tile / (jobs * bands_), rest = tile % (jobs * bands_);
    const int64_t stretch = rest / (jobs * stretch_), first = stretch * stretch_, inner = rest - first * jobs;
    const int64_t bands = bands_ - first < stretch_ ? bands_ - first : stretch_;
    const int64_t job = inner / bands, band = first + inner % bands;
    const int64_t lanes = kernels_.lanes, group = job / group_jobs_;
    const int64_t out_blocks = ceil_div(shape_.c_out, lanes);
    const int64_t out_at = (image * out_blocks + job_block(job)) * rows_.rows.out_step;
    const int64_t last = shape_.group_out() - (group_blocks_ - 1) * lanes;
    ConvDirectJob d;
    d.rows = &rows_.rows;
    d.input = t.input + image * image_floats_ + group * shape_.group_in() * plane_;
    d.bias = t.packed + job_at(job);
    d.blocks = int(job_blocks(job));
    d.weights = d.bias + d.blocks * lanes;
    d.residual = t.residual ? t.residual + out_at : nullptr;
    d.output = t.output + out_at;
    d.begin = band * band_;
    d.end = d.begin + band_ < rows_.segments ? d.begin + band_ : rows_.segments;
    d.channels = shape_.group_in();
    d.step_channels = step_channels_;
    d.chunk_steps = chunk_steps_;
    if (weights_leave(first)) fetch_next(t, job, band - first, bands, &d);
    d.last_lanes = int(job % group_jobs_ == group_jobs_ - 1 ? last : lanes);
    d.finish = finish_;
    kernels_.direct(d);
  }

  // True when the weights that the tiles of a band read are hardly in the cache.
  bool weights_leave(int64_t stretch_begin) const {
    return stretch_begin == 0 || shape_.weight_count() / shape_.groups * 4 > kCacheBytes;
  }

  // The bands of a stretch each fetch a share of what the next job reads first.
  void fetch_next(const ConvTensors& t, int64_t job, int64_t band, int64_t bands, ConvDirectJob* d) const {
    d->weights_cold = band == 0;
    if (job + 1 == shape_.groups * group_jobs_) return;
    const int64_t pass = chunk_steps_ * step_channels_ * shape_.taps() * kernels_.direct_blocks * kernels_.lanes;
    const int64_t whole = job_blocks(job + 1) * kernels_.lanes * (1 + sums_), floats = whole < pass ? whole : pass;
    d->next = t.packed + job_at(job + 1) + floats * band / bands;
    d->next_floats = floats / bands;
  }

  const ConvKernels& kernels_;
  const ConvShape shape_;
  const std::string weight_key_;
  const ConvFinish finish_;
  SegmentedRows rows_;
  int64_t plane_, image_floats_;  // pixels of an input plane; floats between images
  int64_t sums_;          // products per output element
  int64_t group_blocks_;  // output blocks of a group
  int64_t group_jobs_;    // of up to direct_blocks blocks
  int64_t step_channels_, chunk_steps_;
  int64_t band_, bands_;  // segments of a tile; tiles of an image and job
  int64_t stretch_;       // bands whose input stays in the cache while all jobs pass over it
};

}  // namespace

std::unique_ptr<const ConvPlan> make_direct_plan(const ConvShape& shape, ChannelLayout input,
                                                 const ConvEpilogue& epilogue) {
  return std::make_unique<DirectPlan>(shape, input, epilogue);
}

}  // namespace engine
