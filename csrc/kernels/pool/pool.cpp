#include "kernels/pool/pool.h"

#include <algorithm>
#include <vector>

#include "kernels/tiles.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 40;
constexpr double kElementsPerMicrosecond = 6000;  // read; the order of magnitude of a fast core

// What both plans share: planes of the layout.
struct Planes {
  const PoolKernels& kernels;
  PoolShape shape;
  PoolKind kind;
  bool blocked;
  int64_t per_image;  // planes: channels, or blocks of them
  int64_t floats;     // of a pixel

  Planes(const PoolShape& s, PoolKind k, ChannelLayout layout)
      : kernels(pool_kernels()), shape(s), kind(k), blocked(layout == ChannelLayout::blocked) {
    floats = blocked ? kernels.lanes : 1;
    per_image = ceil_div(s.channels, floats);
  }
  int64_t count() const { return shape.n * per_image; }
  int real_lanes(int64_t plane) const {
    const int64_t left = shape.channels - plane % per_image * floats;
    return int(left < floats ? left : floats);
  }
};

class GlobalPlan final : public PoolPlan {
 public:
  explicit GlobalPlan(const Planes& planes) : planes_(planes) {
    const double cost = double(planes_.shape.in_pixels() * planes_.floats);
    tile_ = units_per_tile(cost, kElementsPerMicrosecond, kTileMicroseconds, planes_.count());
  }
  size_t tiles() const override { return size_t(ceil_div(planes_.count(), tile_)); }
  size_t scratch_bytes() const override { return 0; }
  void run(const float* input, float* output, size_t begin, size_t end, void*) const override {
    const int64_t pixels = planes_.shape.in_pixels(), count = planes_.count(), floats = planes_.floats;
    const PoolKernels& k = planes_.kernels;
    const auto plain = planes_.kind == PoolKind::max ? k.global_max_plain : k.global_average_plain;
    const auto blocked = planes_.kind == PoolKind::max ? k.global_max_blocked : k.global_average_blocked;
    for (int64_t p = int64_t(begin) * tile_; p < int64_t(end) * tile_ && p < count; ++p) {
      if (planes_.blocked)
        blocked(input + p * pixels * floats, pixels, planes_.real_lanes(p), output + p * floats);
      else
        plain(input + p * pixels, pixels, output + p);
    }
  }

 private:
  const Planes planes_;
  int64_t tile_;  // planes
};

class WindowPlan final : public PoolPlan {
 public:
  WindowPlan(const Planes& planes, bool count_pads) : planes_(planes), count_pads_(count_pads) {
    const PoolShape& s = planes_.shape;
    for (int64_t o = 0; o < s.out[2]; ++o) columns_.push_back(pool_window(s, 2, o));
    plane_rows_ = s.out[0] * s.out[1];
    const double taps = planes_.blocked ? double(s.taps() * s.out[2]) * double(planes_.floats)
                                        : double(s.kernel[0] * s.kernel[1] * s.in[2] + 4 * s.kernel[2] * s.out[2]);
    spans_ = planes_.blocked ? 1 : std::clamp<int64_t>(int64_t(taps / kElementsPerMicrosecond / kTileMicroseconds), 1, std::max<int64_t>(s.out[2], 1));
    columns_each_ = ceil_div(s.out[2], spans_);
    units_ = s.out[2] > 0 ? planes_.count() * plane_rows_ * spans_ : 0;
    tile_ = units_per_tile(taps / double(spans_), kElementsPerMicrosecond, kTileMicroseconds, units_);
  }
  size_t tiles() const override { return size_t(ceil_div(units_, tile_)); }
  size_t scratch_bytes() const override {
    return planes_.blocked || units_ == 0 ? 0 : size_t(pool_scratch_floats(planes_.shape, columns_each_, planes_.kernels.lanes)) * 4;
  }
  void run(const float* input, float* output, size_t begin, size_t end, void* scratch) const override {
    const int64_t last = int64_t(end) * tile_ < units_ ? int64_t(end) * tile_ : units_;
    for (int64_t unit = int64_t(begin) * tile_; unit < last;) {
      const int64_t row = unit / spans_, plane = row / plane_rows_, from = row % plane_rows_, span = unit % spans_;
      const int64_t rows = spans_ > 1 ? 1 : std::min(last - unit, plane_rows_ - from);
      run_plane(input, output, plane, from, from + rows, span, static_cast<float*>(scratch));
      unit += rows;
    }
  }

 private:
  void run_plane(const float* input, float* output, int64_t plane, int64_t from, int64_t to, int64_t span, float* scratch) const {
    const PoolKernels& k = planes_.kernels;
    PoolJob job;
    job.shape = &planes_.shape;
    job.columns = columns_.data();
    job.input = input + plane * planes_.shape.in_pixels() * planes_.floats;
    job.output = output + plane * planes_.shape.out_pixels() * planes_.floats;
    job.begin = from;
    job.end = to;
    job.column_begin = span * columns_each_;
    job.column_end = std::min(planes_.shape.out[2], job.column_begin + columns_each_);
    if (job.column_begin >= job.column_end) return;
    job.count_pads = count_pads_;
    job.real_lanes = planes_.real_lanes(plane);
    job.scratch = scratch;
    if (planes_.kind == PoolKind::max)
      (planes_.blocked ? k.max_blocked : k.max_plain)(job);
    else
      (planes_.blocked ? k.average_blocked : k.average_plain)(job);
  }

  const Planes planes_;
  const bool count_pads_;
  std::vector<PoolWindow> columns_;
  int64_t plane_rows_;
  int64_t spans_, columns_each_;  // pieces of a long row, and of how many columns
  int64_t units_, tile_;          // output rows of all planes, or pieces; of one tile
};

}  // namespace

std::unique_ptr<const PoolPlan> make_pool_plan(const PoolShape& shape, PoolKind kind, ChannelLayout layout,
                                               bool count_pads) {
  Planes planes(shape, kind, layout);
  if (shape.global() && shape.in_pixels() > 0) return std::make_unique<GlobalPlan>(planes);
  return std::make_unique<WindowPlan>(planes, count_pads);
}

}  // namespace engine
