#include <algorithm>

#include "ops/pieces.h"
#include "ops/roi_pooling.h"

namespace engine {
namespace {

// Four neighbours and their weights.
template <class A>
struct Sample {
  int64_t at[4];
  A weight[4];
};

template <class A>
Sample<A> sample_at(A y, A x, int64_t height, int64_t width) {
  if (!(y >= -1 && y <= A(height) && x >= -1 && x <= A(width))) return {{0, 0, 0, 0}, {0, 0, 0, 0}};
  y = std::max(y, A(0));
  x = std::max(x, A(0));
  int64_t y0 = std::min(int64_t(y), height - 1), x0 = std::min(int64_t(x), width - 1);
  const int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
  const A fy = y0 == height - 1 ? A(0) : y - A(y0), fx = x0 == width - 1 ? A(0) : x - A(x0);
  return {{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1},
          {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx}};
}

class RoiAlign final : public Op {
 public:
  Status infer(InferContext& c) override {
    height_ = c.attr_int("output_height", 1);
    width_ = c.attr_int("output_width", 1);
    ratio_ = c.attr_int("sampling_ratio", 0);
    scale_ = c.attr_float("spatial_scale", 1);
    const std::string mode = c.attr_string("mode", "avg");
    const std::string shift = c.attr_string("coordinate_transformation_mode", c.opset() < 16 ? "output_half_pixel" : "half_pixel");
    if (mode != "avg" && mode != "max") return error(Code::InvalidModel, "mode is '%s'; avg and max are allowed", mode.c_str());
    if (shift != "half_pixel" && shift != "output_half_pixel")
      return error(Code::InvalidModel, "coordinate_transformation_mode is '%s'; half_pixel and output_half_pixel are allowed", shift.c_str());
    if (ratio_ < 0 || ratio_ > 1024) return error(Code::InvalidModel, "sampling_ratio is %lld", (long long)ratio_);
    average_ = mode == "avg";
    half_pixel_ = shift == "half_pixel";
    ENGINE_TRY(c.require(2, dtypes::kIndex));
    if (c.known(1) && c.known(2) && c.shape(1).rank() == 2 && !(c.shape(2) == Shape{c.shape(1)[0]}))
      return error(Code::InvalidModel, "batch_indices has shape %s for %lld regions", c.shape(2).text().c_str(), (long long)c.shape(1)[0]);
    return infer_roi_pooling(c, 4, height_, width_);
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(FloatTypes{}, r.in(0).dtype, [&]<class T>() { status = align<T>(r); });
    return status;
  }

 private:
  template <class A>
  struct Region {
    A top, left, bin_height, bin_width;
    int64_t rows, columns;  // samples of a bin
  };

  template <class A, class T>
  Region<A> region_of(const T* roi) const {
    const A offset = half_pixel_ ? A(0.5) : A(0), scale = A(scale_);
    const A left = A(roi[0]) * scale - offset, top = A(roi[1]) * scale - offset;
    A width = A(roi[2]) * scale - offset - left, height = A(roi[3]) * scale - offset - top;
    if (!half_pixel_) {
      width = std::max(width, A(1));
      height = std::max(height, A(1));
    }
    const A bin_height = height / A(height_), bin_width = width / A(width_);
    auto samples = [&](A bin) { return ratio_ > 0 ? ratio_ : std::max<int64_t>(0, int64_t(std::ceil(bin))); };
    return {top, left, bin_height, bin_width, samples(bin_height), samples(bin_width)};
  }

  template <class A, class T>
  Status check(OpRun& r) const {
    const Shape& in = r.in(0).shape;
    const T* rois = r.in<T>(1);
    for (int64_t i = 0; i < r.in(1).shape[0]; ++i) {
      for (int k = 0; k < 4; ++k)
        if (!(std::abs(A(rois[i * 4 + k]) * A(scale_)) < A(1e9))) return bad_region(i, "a coordinate is out of range");
      const int64_t batch = integer_at(r.in(2), i);
      if (batch < 0 || batch >= in[0]) return bad_region(i, "the image's index is out of range");
      const Region<A> g = region_of<A>(rois + i * 4);
      if (ratio_ == 0 && g.rows * g.columns > 64 * (in[2] + 16) * (in[3] + 16)) return bad_region(i, "it is far larger than the image");
    }
    return {};
  }

  template <class T>
  Status align(OpRun& r) const {
    using A = std::conditional_t<std::is_same_v<T, double>, double, float>;
    ENGINE_TRY((check<A, T>(r)));
    const int64_t channels = r.in(0).shape[1];
    const T* rois = r.in<T>(1);
    const double samples = ratio_ > 0 ? double(ratio_ * ratio_) : 4.0;
    const double ns = 20 + samples * (10 + 4.0 * double(channels));
    return r.parallel(r.in(1).shape[0] * height_ * width_, ns, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t region = item / (height_ * width_), bin = item % (height_ * width_);
        pool_bin<A, T>(r, worker, region, bin, region_of<A>(rois + region * 4));
      }
    });
  }

  // One bin of a region, for all channels.
  template <class A, class T>
  void pool_bin(OpRun& r, int worker, int64_t region, int64_t bin, const Region<A>& g) const {
    const Shape& in = r.in(0).shape;
    const int64_t channels = in[1], height = in[2], width = in[3];
    const T* image = r.in<T>(0) + integer_at(r.in(2), region) * channels * height * width;
    T* out = r.out<T>(0) + region * channels * height_ * width_ + bin;
    const A y0 = g.top + A(bin / width_) * g.bin_height, x0 = g.left + A(bin % width_) * g.bin_width;
    const A count = A(std::max<int64_t>(g.rows * g.columns, 1));
    constexpr int64_t kChannels = 64, kBetweenChecks = 4096;
    A sums[kChannels];
    int64_t work = 0;
    for (int64_t first = 0; first < channels; first += kChannels) {
      const int64_t n = std::min(kChannels, channels - first);
      std::fill_n(sums, n, A(0));
      for (int64_t i = 0; i < g.rows; ++i) {
        for (int64_t j = 0; j < g.columns; ++j) {
          const A y = y0 + (A(i) + A(0.5)) * g.bin_height / A(g.rows), x = x0 + (A(j) + A(0.5)) * g.bin_width / A(g.columns);
          const Sample<A> s = sample_at(y, x, height, width);
          for (int64_t k = 0; k < n; ++k) add(image + (first + k) * height * width, s, i == 0 && j == 0, &sums[k]);
          if ((work += n + 1) < kBetweenChecks) continue;
          work = 0;
          if (!goes_on(r, worker)) return;
        }
      }
      for (int64_t k = 0; k < n; ++k) out[(first + k) * height_ * width_] = T(average_ ? sums[k] / count : sums[k]);
    }
  }

  template <class A, class T>
  void add(const T* plane, const Sample<A>& s, bool first, A* sum) const {
    A v[4];
    for (int k = 0; k < 4; ++k) v[k] = s.weight[k] * A(plane[s.at[k]]);
    if (average_) {
      *sum += v[0] + v[1] + v[2] + v[3];
      return;
    }
    const A best = std::max(std::max(v[0], v[1]), std::max(v[2], v[3]));
    *sum = first ? best : std::max(*sum, best);
  }

  int64_t height_ = 1, width_ = 1, ratio_ = 0;
  float scale_ = 1;
  bool average_ = true, half_pixel_ = true;
};

}  // namespace

void op_roi_align(OpTable& t) {
  for (int since : {10, 16, 22}) t.add<RoiAlign>("", "RoiAlign", since, 3, 3);
}

}  // namespace engine
