// Convolution of plain tensors as a product: output channels x (channels * taps) by that x a panel of pixels.
// REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/gather.inl"

namespace engine {
namespace ENGINE_TIER {

constexpr int kPanelRows = 2 * kDirectWidth;

// Where a panel's pixels are in an output plane: neighbours from `base`, or at `at[j]`.
struct PanelPlace {
  int count;
  bool neighbours;
  int64_t base;
  int64_t at[kPanelPixels];
};

static PanelPlace panel_place(const ConvGrid& g, const Run* runs, int run_count, int64_t begin, int64_t end) {
  PanelPlace place;
  place.count = int(end - begin);
  place.base = begin;
  place.neighbours = true;
  for (int d = 0; d < 3; ++d) place.neighbours = place.neighbours && g.grid[d] == g.out[d] && g.out_stride[d] == 1;
  if (place.neighbours) return place;
  for (int i = 0; i < run_count; ++i)
    for (int j = 0; j < runs[i].count; ++j) {
      int64_t d = g.out_start[0] + runs[i].d * g.out_stride[0], h = g.out_start[1] + runs[i].h * g.out_stride[1];
      int64_t w = g.out_start[2] + (runs[i].w + j) * g.out_stride[2];
      place.at[runs[i].first + j] = (d * g.out[1] + h) * g.out[2] + w;
    }
  return place;
}

// Lanes [q * size, q * size + n) of the panel in one output plane.
ENGINE_INLINE Block read_plane(const PanelPlace& place, const float* plane, int q, int n) {
  constexpr int b = Block::size;
  if (place.neighbours) {
    const float* p = plane + place.base + q * b;
    return n == b ? load(p) : load_first(p, n);
  }
  float lanes[b] = {0};
  for (int j = 0; j < n; ++j) lanes[j] = plane[place.at[q * b + j]];
  return load(lanes);
}

ENGINE_INLINE void write_plane(const PanelPlace& place, float* plane, int q, int n, Block x) {
  constexpr int b = Block::size;
  if (place.neighbours) {
    float* p = plane + place.base + q * b;
    return n == b ? store(p, x) : store_first(p, x, n);
  }
  float lanes[b];
  store(lanes, x);
  for (int j = 0; j < n; ++j) plane[place.at[q * b + j]] = lanes[j];
}

ENGINE_INLINE Block finish_row(const ConvPanelJob& job, const Finish& finish, const PanelPlace& place, int64_t plane,
                               int q, int n, Block x) {
  if (job.residual) x = add(x, read_plane(place, job.residual + plane, q, n));
  if (!job.finish.curve || place.neighbours) return clamp(finish, x);
  float lanes[Block::size];
  store(lanes, x);
  apply_curve(job.finish, lanes, Block::size);
  return load(lanes);
}

// Adds channels [c, c + n) of row tile t; the last of them (`last`) also finishes.
template <int P>
void panel_tile(const ConvPanelJob& job, const Finish& finish, const PanelPlace& place, int64_t t, int64_t c,
                int64_t n) {
  constexpr int b = Block::size, Q = kDirectBlocks, rows = 2 * P;
  const ConvGrid& g = *job.grid;
  const int64_t taps = g.taps[0] * g.taps[1] * g.taps[2], pixels = g.out[0] * g.out[1] * g.out[2];
  const bool last = c + n == job.channels;
  Tile<2, P, Q> tile;
  Repeat<rows>::run([&](auto r) ENGINE_INLINE_LAMBDA {
    constexpr int row = decltype(r)::value;
    const int64_t channel = t * rows + row;
    const Block bias = broadcast(job.bias[channel]);
    Repeat<Q>::run([&](auto q) ENGINE_INLINE_LAMBDA {
      constexpr int k = decltype(q)::value;
      const int left = place.count - k * b, count = left < b ? left : b;
      tile.sum[row][k] = bias;
      if (c != 0 && count > 0 && channel < job.out_channels)
        tile.sum[row][k] = read_plane(place, job.output + channel * pixels, k, count);
    });
  });
  const float* w = job.weights + (t * job.channels + c) * taps * rows;
  accumulate(tile, Sources<2>{{w, w + P}, 1}, rows, job.panel, n * taps);
  for (int row = 0; row < rows; ++row) {
    const int64_t plane = (t * rows + row) * pixels;
    if (t * rows + row >= job.out_channels) break;
    for (int k = 0; k < Q; ++k) {
      const int left = place.count - k * b, count = left < b ? left : b;
      if (count <= 0) break;
      Block x = tile.sum[row][k];
      if (last) x = finish_row(job, finish, place, plane, k, count, x);
      write_plane(place, job.output + plane, k, count, x);
    }
    if (last && job.finish.curve && place.neighbours)
      apply_curve(job.finish, job.output + plane + place.base, size_t(place.count));
  }
}

template <int P>
void panel_rows(const ConvPanelJob& job) {
  const ConvGrid& g = *job.grid;
  const Finish finish = make_finish(job.finish);
  Run runs[kPanelPixels];
  const int run_count = make_runs(g, job.begin, job.end, runs);
  const PanelPlace place = panel_place(g, runs, run_count, job.begin, job.end);
  const int64_t in_pixels = g.in[0] * g.in[1] * g.in[2];
  bool covered;
  const int64_t pieces = make_pieces(g, runs, run_count, job.pieces, &covered);
  for (int64_t c = job.channel_begin; c < job.channel_end; c += job.chunk) {
    const int64_t n = job.channel_end - c < job.chunk ? job.channel_end - c : job.chunk;
    gather_panel(g, job.pieces, pieces, covered, job.input + c * in_pixels, n, job.panel);
    for (int64_t t = job.tile_begin; t < job.tile_end; ++t) panel_tile<P>(job, finish, place, t, c, n);
  }
}

template <int P = kDirectWidth>
struct PanelByRows {
  static void run(const ConvPanelJob& job) {
    if (job.tile_rows == 2 * P)
      panel_rows<P>(job);
    else
      PanelByRows<P - 1>::run(job);
  }
};
template <>
struct PanelByRows<0> {
  static void run(const ConvPanelJob&) {}
};

static void panel(const ConvPanelJob& job) { PanelByRows<>::run(job); }

}  // namespace ENGINE_TIER
}  // namespace engine
