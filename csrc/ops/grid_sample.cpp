#include <cmath>

#include "base/checked.h"
#include "ops/axes.h"
#include "ops/row_walk.h"

namespace engine {
namespace {

enum class GridMode : uint8_t { Linear, Nearest, Cubic };
enum class GridPadding : uint8_t { Zeros, Border, Reflection };

constexpr double kFar = 1e15;        // coordinates beyond it, and NaN, are as far as this
constexpr int64_t kBlock = 32;       // points sampled together
constexpr int kMaxTaps = 4;         // along one axis
constexpr int kMaxDims = 4;
constexpr int kMaxPointTaps = 256;  // kMaxTaps to the power of kMaxDims

// Up to four positions along one axis; -1 stands for zero.
struct AxisTaps {
  int count = 0;
  int64_t at[kMaxTaps];
  double weight[kMaxTaps];
};

// REQUIRES: |x| <= kFar.
inline double floor_of(double x) {
  const double whole = double(int64_t(x));
  return whole > x ? whole - 1 : whole;
}

double reflect(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  if (x >= low && x <= high) return x;
  const double distance = x < low ? low - x : x - high, n = std::floor(distance / range), rest = distance - n * range;
  const bool even = std::fmod(n, 2) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

class GridSample final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    ENGINE_TRY(c.require(1, dtypes::kFloats));
    c.set(0, c.dtype(0));
    ENGINE_TRY(read_attributes(c));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    const Shape &in = c.shape(0), &grid = c.shape(1);
    if (in.rank() < 3 || grid.rank() != in.rank())
      return error(Code::InvalidModel, "X has shape %s, grid %s", in.text().c_str(), grid.text().c_str());
    if (in.rank() - 2 > kMaxDims)
      return error(Code::UnsupportedOperator, "X has %d spatial dimensions; at most %d are supported", in.rank() - 2, kMaxDims);
    Shape out{in[0] == kUnknownDim ? grid[0] : in[0], in[1]};
    for (int i = 1; i + 1 < grid.rank(); ++i) out.push_back(grid[i]);
    const bool batch = in[0] == grid[0] || in[0] == kUnknownDim || grid[0] == kUnknownDim;
    if (!batch || (grid.back() != kUnknownDim && grid.back() != in.rank() - 2))
      return error(Code::InvalidModel, "grid has shape %s, which does not fit X of shape %s", grid.text().c_str(), in.text().c_str());
    c.set(0, c.dtype(0), out);
    if (in.known() && out.known() && out.elements() > 0 && in.elements() == 0)
      return error(Code::InvalidModel, "X of shape %s has nothing to sample", in.text().c_str());
    return {};
  }

  Status prepare(PrepareContext& c) override {
    in_ = c.shape(0);
    dims_ = in_.rank() - 2;
    points_ = c.output_shape(0).elements(2, in_.rank());
    width_ = 1;
    for (int d = 0; d < dims_; ++d) width_ *= mode_ == GridMode::Nearest ? 1 : mode_ == GridMode::Linear ? 2 : 4;
    c.need_scratch(kBlock * width_ * int64_t(sizeof(int64_t) + sizeof(double)));
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(FloatTypes{}, r.in(1).dtype, [&]<class G>() {
      visit_dtype(NumericTypes{}, r.in(0).dtype, [&]<class T>() { status = sample<T, G>(r); });
    });
    return status;
  }

 private:
  Status read_attributes(const InferContext& c) {
    const std::string mode = c.attr_string("mode", c.opset() < 20 ? "bilinear" : "linear");
    const std::string padding = c.attr_string("padding_mode", "zeros");
    if (mode == "linear" || mode == "bilinear") mode_ = GridMode::Linear;
    else if (mode == "nearest") mode_ = GridMode::Nearest;
    else if (mode == "cubic" || mode == "bicubic") mode_ = GridMode::Cubic;
    else return error(Code::InvalidModel, "mode is '%s'; linear, nearest and cubic are allowed", mode.c_str());
    if (padding == "zeros") padding_ = GridPadding::Zeros;
    else if (padding == "border") padding_ = GridPadding::Border;
    else if (padding == "reflection") padding_ = GridPadding::Reflection;
    else return error(Code::InvalidModel, "padding_mode is '%s'; zeros, border and reflection are allowed", padding.c_str());
    align_corners_ = c.attr_int("align_corners", 0) != 0;
    return {};
  }

  // The position that stands for position x of n, which may be outside; -1: zero.
  int64_t inside(double x, int64_t n) const {
    if (x >= 0 && x <= double(n - 1)) return int64_t(x);
    if (padding_ == GridPadding::Zeros) return -1;
    if (padding_ == GridPadding::Border) return x < 0 ? 0 : n - 1;
    const double low = align_corners_ ? 0 : -0.5, high = double(n) - 1 - low;
    return int64_t(std::clamp(reflect(x, low, high), 0.0, double(n - 1)));
  }

  // What the normalised coordinate g of an axis of n positions looks at.
  AxisTaps taps_at(double g, int64_t n) const {
    double x = align_corners_ ? (g + 1) / 2 * double(n - 1) : ((g + 1) * double(n) - 1) / 2;
    x = double(float(x));
    if (!(std::abs(x) < kFar)) x = x > 0 ? kFar : -kFar;
    AxisTaps t;
    if (mode_ == GridMode::Nearest) x = std::nearbyint(x);
    const double low = align_corners_ ? 0 : -0.5, high = double(n) - 1 - low;
    if (x < low || x > high) {
      if (padding_ == GridPadding::Border) x = std::clamp(x, 0.0, double(n - 1));
      else if (padding_ == GridPadding::Reflection) x = reflect(x, low, high);
    }
    if (mode_ == GridMode::Nearest) {
      t.count = 1;
      t.at[0] = inside(std::trunc(x), n);
      t.weight[0] = 1;
      return t;
    }
    const double first = floor_of(x), f = x - first;
    if (mode_ == GridMode::Linear) {
      t.count = 2;
      t.weight[0] = 1 - f;
      t.weight[1] = f;
    } else {
      constexpr double a = -0.75;
      t.count = 4;
      t.weight[0] = ((a * (f + 1) - 5 * a) * (f + 1) + 8 * a) * (f + 1) - 4 * a;
      t.weight[1] = ((a + 2) * f - (a + 3)) * f * f + 1;
      t.weight[2] = ((a + 2) * (1 - f) - (a + 3)) * (1 - f) * (1 - f) + 1;
      t.weight[3] = ((a * (2 - f) - 5 * a) * (2 - f) + 8 * a) * (2 - f) - 4 * a;
    }
    for (int k = 0; k < t.count; ++k) t.at[k] = inside(first + double(k - (t.count / 2 - 1)), n);
    return t;
  }

  // All taps of a point as offsets into a plane; those that are zero are left out. Returns how many.
  template <class A>
  int point_taps(const AxisTaps* taps, const int64_t* strides, int64_t* at, A* weight) const {
    int count = 1;
    at[0] = 0;
    double product[kMaxPointTaps] = {1};
    for (int d = 0; d < dims_; ++d) {
      int64_t next_at[kMaxPointTaps];
      double next[kMaxPointTaps];
      int n = 0;
      for (int i = 0; i < count; ++i) {
        for (int k = 0; k < taps[d].count; ++k) {
          if (taps[d].at[k] < 0) continue;
          next_at[n] = at[i] + taps[d].at[k] * strides[d];
          next[n++] = product[i] * taps[d].weight[k];
        }
      }
      count = n;
      std::copy_n(next_at, n, at);
      std::copy_n(next, n, product);
    }
    for (int i = 0; i < count; ++i) weight[i] = A(product[i]);
    return count;
  }

  template <class T, class G>
  Status sample(OpRun& r) const {
    using A = std::conditional_t<sizeof(T) <= 2 || std::is_same_v<T, float>, float, double>;
    const T* in = r.in<T>(0);
    const G* grid = r.in<G>(1);
    T* out = r.out<T>(0);
    int64_t strides[kMaxRank];
    contiguous_strides(in_, strides);
    const int64_t channels = in_[1], plane = in_.elements(2, in_.rank()), blocks = ceil_div(points_, kBlock);
    const double ns = double(kBlock) * (25 * dims_ + 3 * width_ + double(channels) * (1 + double(width_)));
    return r.parallel(in_[0] * blocks, ns, [&](int64_t begin, int64_t end, int worker) {
      int64_t* at = r.scratch<int64_t>(worker);
      A* weight = reinterpret_cast<A*>(at + kBlock * width_);
      int count[kBlock];
      for (int64_t item = begin; item < end; ++item) {
        const int64_t batch = item / blocks, first = item % blocks * kBlock, n = std::min(kBlock, points_ - first);
        for (int64_t i = 0; i < n; ++i) {
          AxisTaps taps[kMaxDims];
          const G* g = grid + (batch * points_ + first + i) * dims_;
          for (int d = 0; d < dims_; ++d) taps[d] = taps_at(double(g[dims_ - 1 - d]), in_[2 + d]);
          count[i] = point_taps(taps, strides + 2, at + i * width_, weight + i * width_);
        }
        for (int64_t ch = batch * channels; ch < (batch + 1) * channels; ++ch)
          for (int64_t i = 0; i < n; ++i)
            out[ch * points_ + first + i] = blend<T>(in + ch * plane, at + i * width_, weight + i * width_, count[i]);
      }
    });
  }

  template <class T, class A>
  T blend(const T* plane, const int64_t* at, const A* weight, int count) const {
    if (mode_ == GridMode::Nearest) return count ? plane[at[0]] : T(0);
    if (count == 4) {
      const A upper = weight[0] * A(plane[at[0]]) + weight[1] * A(plane[at[1]]);
      return to_element<T>(double(upper + (weight[2] * A(plane[at[2]]) + weight[3] * A(plane[at[3]]))));
    }
    A sum = 0;
    for (int k = 0; k < count; ++k) sum += weight[k] * A(plane[at[k]]);
    return to_element<T>(double(sum));
  }

  template <class T>
  static T to_element(double value) {
    if constexpr (std::is_integral_v<T>) {
      const double low = double(std::numeric_limits<T>::min()), high = double(std::numeric_limits<T>::max());
      if (!(value > low)) return value != value ? T(0) : std::numeric_limits<T>::min();
      return value >= high ? std::numeric_limits<T>::max() : T(value);
    } else if constexpr (std::is_same_v<T, double>) {
      return value;
    } else {
      return T(float(value));
    }
  }

  GridMode mode_ = GridMode::Linear;
  GridPadding padding_ = GridPadding::Zeros;
  bool align_corners_ = false;
  Shape in_;
  int dims_ = 0;
  int64_t points_ = 0;
  int width_ = 1;  // most taps of a point
};

}  // namespace

void op_grid_sample(OpTable& t) {
  for (int since : {16, 20, 22}) t.add<GridSample>("", "GridSample", since, 2, 2);
}

}  // namespace engine
