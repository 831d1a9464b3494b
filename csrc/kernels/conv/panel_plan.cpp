#include <algorithm>

#include "kernels/conv/grids.h"
#include "kernels/conv/plans.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 100;
constexpr double kGatherSums = 2;  // what gathering a channel's tap costs, in rows of products
constexpr double kPanelMicroseconds = 0.3;  // of a panel, besides
constexpr int64_t kPanelDepth = 1024;  // rows of a panel (channels * taps) per pass
constexpr int64_t kPackedFloats = 1 << 15;  // that a packing item writes, about

class PanelPlan final : public ConvPlan {
 public:
  PanelPlan(const ConvShape& s, const ConvEpilogue& epilogue)
      : kernels_(conv_kernels()), shape_(s), finish_(conv_finish(epilogue)), grids_(make_tap_grids(s)) {
    row_tiles_ = ceil_div(s.group_out(), kernels_.panel_rows);
    tile_rows_ = ceil_div(ceil_div(s.group_out(), row_tiles_), 2) * 2;
    int64_t at = s.groups * padded_rows(), tiles = 0;
    for (const auto& grid : grids_) {
      GridTiles g;
      g.grid = grid.get();
      g.weights_at = at;
      g.chunk = grid->taps() > kPanelDepth ? 1 : grid->taps() > 0 ? kPanelDepth / grid->taps() : s.group_in();
      if (g.chunk > s.group_in()) g.chunk = s.group_in();
      at += s.c_in * grid->taps() * padded_rows();
      const double sums = double(s.group_in() * (grid->taps() + 1)) * kernels_.panel_pixels;
      const double flops = 2.0 * sums * double(tile_rows_), rate = kernels_.flops_per_microsecond;
      const int64_t panels = ceil_div(grid->pixels(), kernels_.panel_pixels);
      g.row_tiles = units_per_tile(flops, rate, kTileMicroseconds, row_tiles_);
      g.row_ranges = ceil_div(row_tiles_, g.row_tiles);
      const double gather = 2.0 * sums * kGatherSums * kernels_.panel_rows + kPanelMicroseconds * rate;
      g.passes = ceil_div(s.group_in(), g.chunk);
      g.panels = units_per_tile(flops * double(g.row_tiles) + gather, rate, kTileMicroseconds, panels);
      g.panel_ranges = ceil_div(panels, g.panels);
      g.tile_us = double(g.panels) * (flops * double(g.row_tiles) + gather) / rate;
      const int64_t stages = std::min(g.passes, int64_t(g.tile_us / (2 * kTileMicroseconds)));
      if (stages > stages_) stages_ = stages;
      g.first_tile = tiles;
      tiles += s.n * s.groups * g.row_ranges * g.panel_ranges;
      if (panel_floats_ < g.chunk * grid->taps() * kernels_.panel_pixels)
        panel_floats_ = g.chunk * grid->taps() * kernels_.panel_pixels;
      const int64_t row = grid->grid.grid[2] > 0 ? grid->grid.grid[2] : 1;
      const int64_t rows = row == 1 ? kernels_.panel_pixels : (kernels_.panel_pixels - 2) / row + 2;
      if (pieces_ < grid->taps() * rows) pieces_ = grid->taps() * rows;
      ranges_.push_back(g);
    }
    packed_floats_ = at;
    tiles_ = tiles;
    const int64_t floats = s.group_in() * s.taps() * tile_rows_;
    pack_parts_ = std::clamp<int64_t>(floats / kPackedFloats, 1, s.group_in());
  }

  ConvAlgorithm algorithm() const override { return ConvAlgorithm::panel; }
  std::string packing_key() const override {
    return format("panel %d %s", int(tile_rows_), conv_weight_key(shape_).c_str());
  }
  size_t packed_floats() const override { return size_t(packed_floats_); }
  // Of a row tile's weights, those of a range of input channels.
  size_t pack_items() const override { return size_t(shape_.groups * row_tiles_ * pack_parts_); }
  void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const override {
    for (size_t i = begin; i < end; ++i) {
      const int64_t part = int64_t(i) % pack_parts_, tile = int64_t(i) / pack_parts_ % row_tiles_;
      const int64_t group = int64_t(i) / pack_parts_ / row_tiles_, channels = shape_.group_in();
      if (part == 0) pack_bias(bias, group, tile, packed);
      for (const GridTiles& g : ranges_)
        pack_tile(weight, g, group, tile, part * channels / pack_parts_, (part + 1) * channels / pack_parts_, packed);
    }
  }

  // Where one tile would take long, each stage adds some of the input channels.
  size_t stages() const override { return size_t(stages_); }
  size_t tiles(size_t) const override { return size_t(tiles_); }
  double tile_ns(size_t) const override {
    if (stages_ == 1 && !shape_.depthwise()) return 0;  // where products take the time, they tell it better
    double us = 0;
    for (const GridTiles& g : ranges_) us = std::max(us, g.tile_us);
    return us * 1e3 / double(stages_);
  }
  size_t scratch_bytes() const override { return size_t(panel_floats_) * 4 + size_t(pieces_) * sizeof(ConvPiece); }
  void run(const ConvTensors& t, size_t stage, size_t begin, size_t end, void* scratch) const override {
    size_t g = 0;
    for (int64_t tile = int64_t(begin); tile < int64_t(end); ++tile) {
      while (g + 1 < ranges_.size() && tile >= ranges_[g + 1].first_tile) ++g;
      run_tile(t, ranges_[g], int64_t(stage), tile - ranges_[g].first_tile, static_cast<float*>(scratch));
    }
  }

 private:
  struct GridTiles {
    const TapGrid* grid;
    int64_t weights_at;                // in the packed weights
    int64_t chunk, passes;             // channels per pass
    int64_t row_tiles, row_ranges;     // of one tile; ranges of them
    int64_t panels, panel_ranges;      // the same for panels
    int64_t first_tile;
    double tile_us;                    // of all passes, about
  };

  int64_t padded_rows() const { return row_tiles_ * tile_rows_; }

  int64_t weight_at(int64_t group, int64_t out, int64_t in) const {
    if (!shape_.transposed) return ((group * shape_.group_out() + out) * shape_.group_in() + in) * shape_.taps();
    return ((group * shape_.group_in() + in) * shape_.group_out() + out) * shape_.taps();
  }

  void pack_bias(const float* bias, int64_t group, int64_t tile, float* packed) const {
    const int64_t real = shape_.group_out();
    for (int64_t r = tile * tile_rows_; r < (tile + 1) * tile_rows_; ++r)
      packed[group * padded_rows() + r] = bias && r < real ? bias[group * real + r] : 0.0f;
  }

  void pack_tile(const float* weight, const GridTiles& g, int64_t group, int64_t tile, int64_t begin, int64_t end, float* packed) const {
    const TapGrid& grid = *g.grid;
    const int64_t taps = grid.taps();
    float* out = packed + g.weights_at + ((group * row_tiles_ + tile) * shape_.group_in() + begin) * taps * tile_rows_;
    for (int64_t c = begin; c < end; ++c)
      for (int64_t kd : grid.kernel[0])
        for (int64_t kh : grid.kernel[1])
          for (int64_t kw : grid.kernel[2])
            for (int64_t r = tile * tile_rows_; r < (tile + 1) * tile_rows_; ++r) {
              const int64_t tap = (kd * shape_.kernel[1] + kh) * shape_.kernel[2] + kw;
              *out++ = r < shape_.group_out() ? weight[weight_at(group, r, c) + tap] : 0.0f;
            }
  }

  void run_tile(const ConvTensors& t, const GridTiles& g, int64_t stage, int64_t tile, float* scratch) const {
    const int64_t rows = tile % g.row_ranges, panels = tile / g.row_ranges % g.panel_ranges;
    const int64_t unit = tile / (g.row_ranges * g.panel_ranges), group = unit % shape_.groups;
    const int64_t out_at = unit * shape_.group_out() * shape_.out_pixels(), pixels = g.grid->pixels();
    ConvPanelJob j;
    j.grid = &g.grid->grid;
    j.input = t.input + unit * shape_.group_in() * shape_.in_pixels();
    j.weights = t.packed + g.weights_at + group * shape_.group_in() * g.grid->taps() * padded_rows();
    j.bias = t.packed + group * padded_rows();
    j.residual = t.residual ? t.residual + out_at : nullptr;
    j.output = t.output + out_at;
    j.tile_begin = rows * g.row_tiles;
    j.tile_end = j.tile_begin + g.row_tiles < row_tiles_ ? j.tile_begin + g.row_tiles : row_tiles_;
    j.tile_rows = int(tile_rows_);
    j.channels = shape_.group_in();
    j.channel_begin = stage * g.passes / stages_ * g.chunk;
    j.channel_end = std::min(j.channels, (stage + 1) * g.passes / stages_ * g.chunk);
    if (j.channel_begin >= j.channel_end) return;
    j.out_channels = shape_.group_out();
    j.chunk = g.chunk;
    j.panel = scratch;
    j.pieces = reinterpret_cast<ConvPiece*>(scratch + panel_floats_);
    j.finish = finish_;
    const int64_t first = panels * g.panels * kernels_.panel_pixels, span = g.panels * kernels_.panel_pixels;
    const int64_t last = first + span < pixels ? first + span : pixels;
    for (int64_t p = first; p < last; p += kernels_.panel_pixels) {
      j.begin = p;
      j.end = p + kernels_.panel_pixels < last ? p + kernels_.panel_pixels : last;
      kernels_.panel(j);
    }
  }

  const ConvKernels& kernels_;
  const ConvShape shape_;
  const ConvFinish finish_;
  const std::vector<std::unique_ptr<TapGrid>> grids_;
  std::vector<GridTiles> ranges_;
  int64_t row_tiles_, tile_rows_;
  int64_t stages_ = 1, pack_parts_ = 1;
  int64_t packed_floats_ = 0, tiles_ = 0, panel_floats_ = 0, pieces_ = 0;
};

}  // namespace

std::unique_ptr<const ConvPlan> make_panel_plan(const ConvShape& shape, const ConvEpilogue& epilogue) {
  return std::make_unique<PanelPlan>(shape, epilogue);
}

}  // namespace engine
