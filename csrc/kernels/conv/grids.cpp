#include "kernels/conv/grids.h"

namespace engine {
namespace {

void forward_axis(const ConvShape& s, int d, TapGrid* g) {
  g->grid.grid[d] = s.out[d];
  g->grid.step[d] = s.stride[d];
  g->grid.out_start[d] = 0;
  g->grid.out_stride[d] = 1;
  for (int64_t k = 0; k < s.kernel[d]; ++k) {
    g->kernel[d].push_back(k);
    g->offset[d].push_back(k * s.dilation[d] - s.pad_begin[d]);
  }
}

// Outputs phase, phase + stride, ...: tap k reads (output + pad - k * dilation) / stride where that is whole.
void transposed_axis(const ConvShape& s, int d, int64_t phase, TapGrid* g) {
  g->grid.grid[d] = s.out[d] > phase ? (s.out[d] - phase - 1) / s.stride[d] + 1 : 0;
  g->grid.step[d] = 1;
  g->grid.out_start[d] = phase;
  g->grid.out_stride[d] = s.stride[d];
  for (int64_t k = 0; k < s.kernel[d]; ++k) {
    const int64_t scaled = phase + s.pad_begin[d] - k * s.dilation[d];
    if (scaled % s.stride[d] != 0) continue;
    g->kernel[d].push_back(k);
    g->offset[d].push_back(scaled / s.stride[d]);
  }
}

std::unique_ptr<TapGrid> make_grid(const ConvShape& s, const int64_t (&phase)[3]) {
  auto g = std::make_unique<TapGrid>();
  for (int d = 0; d < 3; ++d) {
    if (s.transposed)
      transposed_axis(s, d, phase[d], g.get());
    else
      forward_axis(s, d, g.get());
    g->grid.in[d] = s.in[d];
    g->grid.out[d] = s.out[d];
    g->grid.taps[d] = int64_t(g->kernel[d].size());
    g->grid.offset[d] = g->offset[d].data();
  }
  return g;
}

}  // namespace

std::vector<std::unique_ptr<TapGrid>> make_tap_grids(const ConvShape& s) {
  std::vector<std::unique_ptr<TapGrid>> grids;
  if (!s.transposed) {
    grids.push_back(make_grid(s, {0, 0, 0}));
    return grids;
  }
  for (int64_t d = 0; d < s.stride[0]; ++d)
    for (int64_t h = 0; h < s.stride[1]; ++h)
      for (int64_t w = 0; w < s.stride[2]; ++w) grids.push_back(make_grid(s, {d, h, w}));
  return grids;
}

}  // namespace engine
