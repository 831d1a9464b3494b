#include <algorithm>

#include "ops/pieces.h"
#include "ops/roi_pooling.h"

namespace engine {
namespace {

class MaxRoiPool final : public Op {
 public:
  Status infer(InferContext& c) override {
    const std::vector<int64_t> pooled = c.attr_ints("pooled_shape");
    if (pooled.size() != 2) return error(Code::InvalidModel, "pooled_shape has %zu values; 2 are allowed", pooled.size());
    height_ = pooled[0];
    width_ = pooled[1];
    scale_ = c.attr_float("spatial_scale", 1);
    return infer_roi_pooling(c, 5, height_, width_);
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(FloatTypes{}, r.in(0).dtype, [&]<class T>() { status = pool<T>(r); });
    return status;
  }

 private:
  // A region in pixels, ends included.
  struct Region {
    int64_t batch, top, left, bottom, right;
  };

  template <class T>
  Region region_of(const T* roi) const {
    auto pixel = [&](int i) { return int64_t(std::round(float(roi[i]) * scale_)); };
    return {int64_t(roi[0]), pixel(2), pixel(1), pixel(4), pixel(3)};
  }

  template <class T>
  Status check(OpRun& r) const {
    const T* rois = r.in<T>(1);
    for (int64_t i = 0; i < r.in(1).shape[0]; ++i) {
      for (int k = 0; k < 5; ++k)
        if (!(std::abs(float(rois[i * 5 + k]) * (k ? scale_ : 1)) < 1e9f)) return bad_region(i, "a coordinate is out of range");
      const int64_t batch = int64_t(rois[i * 5]);
      if (batch < 0 || batch >= r.in(0).shape[0]) return bad_region(i, "the image's index is out of range");
    }
    return {};
  }

  template <class T>
  Status pool(OpRun& r) const {
    ENGINE_TRY(check<T>(r));
    const Shape& in = r.in(0).shape;
    const int64_t channels = in[1], height = in[2], width = in[3];
    const T *x = r.in<T>(0), *rois = r.in<T>(1);
    T* out = r.out<T>(0);
    const double ns = 20.0 * double(height_ * width_) + double(height * width);
    return r.parallel(r.in(1).shape[0] * channels, ns, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t item = begin; item < end; ++item) {
        const Region g = region_of(rois + item / channels * 5);
        const double bin_y = double(std::max<int64_t>(g.bottom - g.top + 1, 1)) / double(height_);
        const double bin_x = double(std::max<int64_t>(g.right - g.left + 1, 1)) / double(width_);
        const T* plane = x + (g.batch * channels + item % channels) * height * width;
        T* to = out + item * height_ * width_;
        auto edge = [](double at, int64_t first, int64_t n) { return std::clamp<int64_t>(int64_t(at) + first, 0, n); };
        for (int64_t i = 0; i < height_; ++i) {
          const int64_t y0 = edge(std::floor(double(i) * bin_y), g.top, height), y1 = edge(std::ceil(double(i + 1) * bin_y), g.top, height);
          for (int64_t j = 0; j < width_; ++j) {
            const int64_t x0 = edge(std::floor(double(j) * bin_x), g.left, width), x1 = edge(std::ceil(double(j + 1) * bin_x), g.left, width);
            *to++ = largest(r, worker, plane, width, y0, y1, x0, x1);
          }
        }
      }
    });
  }

  // 0 when there is none, anything when the call must stop.
  template <class T>
  static T largest(OpRun& r, int worker, const T* plane, int64_t width, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    if (y1 <= y0 || x1 <= x0) return T(0.0f);
    T best = plane[y0 * width + x0];
    const int64_t rows = std::max<int64_t>(1, 16384 / (x1 - x0));
    within_item(r, worker, y1 - y0, rows, [&](int64_t first, int64_t last) {
      for (int64_t y = y0 + first; y < y0 + last; ++y)
        for (int64_t x = x0; x < x1; ++x) {
          const T v = plane[y * width + x];
          if (v > best || v != v) best = v;
        }
    });
    return best;
  }

  int64_t height_ = 1, width_ = 1;
  float scale_ = 1;
};

}  // namespace

void op_max_roi_pool(OpTable& t) {
  for (int since : {1, 22}) t.add<MaxRoiPool>("", "MaxRoiPool", since, 2, 2);
}

}  // namespace engine
