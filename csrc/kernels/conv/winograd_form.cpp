#include "kernels/conv/winograd_form.h"

#include "kernels/tiles.h"

namespace engine {
namespace {

// Costs in multiply-adds of a channel block.
constexpr double kDirectCost = 1.1, kProductCost = 1.05;  // of one, with what surrounds it
constexpr double kRowCost = 1.5;        // products of a point that reading its weights is like
constexpr double kInputCost = 2.6;      // a transformed value of the input
constexpr double kOutputCost = 2.2;     // a sum
constexpr double kWeightCost = 5;       // a block of weights from memory
constexpr double kLeastGain = 1.1;


double direct_cost(const ConvShape& s, double in, double out) {
  const double products = double(s.taps()) * in * out;
  return double(s.out_pixels()) * products * kDirectCost + products * kWeightCost;
}

double winograd_cost(const ConvShape& s, const WinogradForm& form, double in, double out, double lanes) {
  const ConvWinograd g = winograd_geometry(s, form);
  const double points = form.points[0] * form.points[1], tiles = double(g.tiles[0] * g.tiles[1]);
  const double products = points * in * out;
  return (tiles * kProductCost + kRowCost + kWeightCost) * products +
         tiles * points * (kInputCost * double(ceil_div(int64_t(in), int64_t(lanes))) + kOutputCost * out);
}

}  // namespace

void winograd_axes(const ConvShape& s, int (&axis)[2]) {
  const bool swapped = s.kernel[2] == 1 && s.kernel[1] != 1;
  axis[0] = swapped ? 2 : 1;
  axis[1] = swapped ? 1 : 2;
}

std::vector<WinogradForm> winograd_forms(const ConvShape& s) {
  if (s.transposed || s.groups != 1 || s.in[0] != 1 || s.out[0] != 1 || s.kernel[0] != 1 || s.pad_begin[0] != 0) return {};
  if (s.stride[1] != 1 || s.stride[2] != 1 || s.taps() == 1) return {};
  int axis[2];
  winograd_axes(s, axis);
  const int64_t outer = s.kernel[axis[0]], extent = s.kernel[axis[1]];
  if (extent % 2 == 0 || extent > 7 || (outer != 1 && (outer != extent || extent > 5))) return {};
  std::vector<WinogradForm> forms;
  for (int points : {4, 6, 8})
    if (points > extent && (outer == 1 || points < 8)) forms.push_back({{outer == 1 ? 1 : points, points}});
  return forms;
}

ConvWinograd winograd_geometry(const ConvShape& s, const WinogradForm& form) {
  int axis[2];
  winograd_axes(s, axis);
  ConvWinograd g;
  for (int a = 0; a < 2; ++a) {
    const int d = axis[a];
    g.points[a] = form.points[a];
    g.outputs[a] = int(form.points[a] - s.kernel[d] + 1);
    g.in[a] = s.in[d];
    g.out[a] = s.out[d];
    g.dilation[a] = form.points[a] == 1 ? 1 : s.dilation[d];
    g.pad_begin[a] = s.pad_begin[d];
    g.in_stride[a] = d == 2 ? 1 : s.in[2];
    g.out_stride[a] = d == 2 ? 1 : s.out[2];
    const int64_t span = g.outputs[a] * g.dilation[a], whole = g.out[a] / span, left = g.out[a] % span;
    g.tiles[a] = whole * g.dilation[a] + (left < g.dilation[a] ? left : g.dilation[a]);
  }
  return g;
}

std::optional<WinogradForm> best_winograd_form(const ConvShape& s) {
  const int lanes = conv_kernels().lanes;
  const double in = double(s.group_in()), out = double(ceil_div(s.group_out(), lanes));
  double least = direct_cost(s, in, out) / kLeastGain;
  std::optional<WinogradForm> best;
  for (const WinogradForm& form : winograd_forms(s)) {
    const double cost = winograd_cost(s, form, in, out, lanes);
    if (cost >= least) continue;
    least = cost;
    best = form;
  }
  return best;
}

}  // namespace engine
