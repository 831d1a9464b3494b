// Resampling along one axis: which input positions an output position is made of, and with what weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/status.h"

namespace engine {

enum class ResizeMode : uint8_t { Nearest, Linear, Cubic };
enum class ResizeCoordinates : uint8_t { HalfPixel, HalfPixelSymmetric, PytorchHalfPixel, AlignCorners, Asymmetric, CropAndResize, HalfPixelNearest };
// Simple: up for downsampling, else down; what Resize did before opset 11.
enum class ResizeRounding : uint8_t { PreferFloor, PreferCeil, Floor, Ceil, Simple };

struct ResizeOptions {
  ResizeMode mode = ResizeMode::Nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::HalfPixel;
  ResizeRounding rounding = ResizeRounding::PreferFloor;
  double cubic_a = -0.75, extrapolation = 0;
  bool antialias = false, exclude_outside = false;
};

struct ResizeAxis {
  int64_t in = 0, out = 0;
  double scale = 1, begin = 0, end = 1;  // begin, end: the region of interest

  bool same() const { return in == out && scale == 1 && begin == 0 && end == 1; }
};

// The input coordinate of output position x. F: the precision to compute in.
template <class F>
F resize_coordinate(const ResizeOptions& options, const ResizeAxis& axis, int64_t x) {
  const F at = F(x), scale = F(axis.scale), last = F(axis.in - 1), width = scale * F(axis.in), half = F(0.5);
  switch (options.coordinates) {
    case ResizeCoordinates::HalfPixel: return (at + half) / scale - half;
    case ResizeCoordinates::HalfPixelSymmetric:
      return F(axis.in) / 2 * (1 - F(axis.out) / width) + (at + half) / scale - half;
    case ResizeCoordinates::PytorchHalfPixel: return axis.out > 1 ? (at + half) / scale - half : F(0);
    case ResizeCoordinates::AlignCorners: return width == 1 || axis.out == 1 ? F(0) : at * last / (width - 1);
    case ResizeCoordinates::Asymmetric: return at / scale;
    case ResizeCoordinates::HalfPixelNearest: return (at + half) / scale;
    case ResizeCoordinates::CropAndResize: {
      const F begin = F(axis.begin), end = F(axis.end);
      return axis.out > 1 ? begin * last + at * (end - begin) * last / (F(axis.out) - 1) : half * (begin + end) * last;
    }
  }
  return at;
}

// For each output position `taps` input positions and weights; a first position of -1 stands for the extrapolation value.
struct ResizeTaps {
  int64_t taps = 1;
  std::vector<int64_t> index;
  std::vector<double> weight;
};

inline bool resize_extrapolates(const ResizeOptions& options, const ResizeAxis& axis, double coordinate) {
  return options.coordinates == ResizeCoordinates::CropAndResize && !(coordinate >= 0 && coordinate <= double(axis.in - 1));
}

// The input position that output position x shows; -1: the extrapolation value.
inline int64_t nearest_position(const ResizeOptions& options, const ResizeAxis& axis, int64_t x) {
  const float at = resize_coordinate<float>(options, axis, x), low = std::floor(at);
  if (resize_extrapolates(options, axis, at)) return -1;
  float chosen = low;
  switch (options.rounding) {
    case ResizeRounding::PreferFloor: chosen = at - low <= 0.5f ? low : low + 1; break;
    case ResizeRounding::PreferCeil: chosen = at - low < 0.5f ? low : low + 1; break;
    case ResizeRounding::Floor: break;
    case ResizeRounding::Ceil: chosen = std::ceil(at); break;
    case ResizeRounding::Simple: chosen = axis.scale < 1 ? std::ceil(at) : low; break;
  }
  return int64_t(std::clamp(chosen, 0.0f, float(axis.in - 1)));
}

inline double resize_weight(const ResizeOptions& options, double distance) {
  const double d = std::abs(distance), a = options.cubic_a;
  if (options.mode == ResizeMode::Linear) return std::max(0.0, 1 - d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

// Lets tap t, whose weight is zero, carry half of another one's: zero times an infinity would be NaN.
inline void share_tap(int64_t taps, int64_t t, int64_t* index, double* weight) {
  for (int64_t u = 0; u < taps; ++u) {
    if (weight[u] == 0) continue;
    weight[t] = weight[u] /= 2;
    index[t] = index[u];
    return;
  }
}

// One output position of linear and cubic resampling. REQUIRES: room for `taps` values at index and weight.
inline void fill_taps(const ResizeOptions& options, const ResizeAxis& axis, int64_t x, double stretch, int64_t taps, int64_t* index,
                      double* weight) {
  const double at = resize_coordinate<double>(options, axis, x), low = std::floor(at);
  if (resize_extrapolates(options, axis, at)) {
    index[0] = -1;
    return;
  }
  double sum = 0, kept = 0;
  for (int64_t t = 0; t < taps; ++t) {
    const double position = low - double(taps / 2 - 1) + double(t);
    const bool outside = position < 0 || position > double(axis.in - 1);
    weight[t] = resize_weight(options, (position - at) * stretch);
    index[t] = int64_t(std::clamp(position, 0.0, double(axis.in - 1)));
    sum += weight[t];
    if (options.exclude_outside && outside) weight[t] = 0;
    kept += weight[t];
  }
  const double divide = options.exclude_outside ? (kept == 0 ? 1 : kept) : stretch < 1 ? sum : 1;
  for (int64_t t = 0; t < taps; ++t) weight[t] /= divide;
  for (int64_t t = 0; t < taps; ++t)
    if (weight[t] == 0) share_tap(taps, t, index, weight);
}

// The table of an axis for linear and cubic resampling.
inline ResizeTaps make_taps(const ResizeOptions& options, const ResizeAxis& axis) {
  const int64_t radius = options.mode == ResizeMode::Linear ? 1 : 2;
  const double stretch = options.antialias ? std::min(axis.scale, 1.0) : 1;
  ResizeTaps out;
  out.taps = 2 * int64_t(std::ceil(double(radius) / stretch));
  out.index.resize(size_t(axis.out * out.taps));
  out.weight.resize(size_t(axis.out * out.taps));
  for (int64_t x = 0; x < axis.out; ++x)
    fill_taps(options, axis, x, stretch, out.taps, &out.index[size_t(x * out.taps)], &out.weight[size_t(x * out.taps)]);
  return out;
}

}  // namespace engine
