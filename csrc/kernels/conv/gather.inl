// im2col for one panel: what a run of grid pixels reads through every tap. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/conv_kernels.h"
#include "kernels/conv/direct.inl"

namespace engine {
namespace ENGINE_TIER {

constexpr int kPanelPixels = kDirectBlocks * Block::size;

// Grid pixels [first, first + count) of the panel, neighbours in one grid row that starts at (d, h, w).
struct Run {
  int first, count;
  int64_t d, h, w;
};

// Cuts grid pixels [begin, end) into runs; returns how many. REQUIRES: end - begin <= kPanelPixels.
static int make_runs(const ConvGrid& g, int64_t begin, int64_t end, Run (&runs)[kPanelPixels]) {
  int n = 0;
  for (int64_t at = begin; at < end;) {
    int64_t row = at / g.grid[2], w = at % g.grid[2];
    int64_t count = g.grid[2] - w < end - at ? g.grid[2] - w : end - at;
    runs[n++] = {int(at - begin), int(count), row / g.grid[1], row % g.grid[1], w};
    at += count;
  }
  return n;
}

// What a run reads through one tap: piece.count = 0 when that is nothing inside the input.
static ConvPiece make_piece(const ConvGrid& g, const Run& run, int64_t td, int64_t th, int64_t tw) {
  const int64_t d = run.d * g.step[0] + g.offset[0][td], h = run.h * g.step[1] + g.offset[1][th];
  const int64_t w = run.w * g.step[2] + g.offset[2][tw], step = g.step[2];
  if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1] || w >= g.in[2]) return {0, 0, 0};
  const int64_t lo = w >= 0 ? 0 : (-w + step - 1) / step;
  int64_t hi = (g.in[2] - 1 - w) / step + 1;
  if (hi > run.count) hi = run.count;
  if (lo >= hi) return {0, 0, 0};
  const int64_t tap = (td * g.taps[1] + th) * g.taps[2] + tw;
  return {(d * g.in[1] + h) * g.in[2] + w + lo * step, tap * kPanelPixels + run.first + lo, hi - lo};
}

// Fills `pieces`, in the order of their taps; returns how many. *covered: they leave no element of a panel out.
static int64_t make_pieces(const ConvGrid& g, const Run* runs, int run_count, ConvPiece* pieces, bool* covered) {
  int64_t n = 0, elements = 0;
  for (int64_t td = 0; td < g.taps[0]; ++td)
    for (int64_t th = 0; th < g.taps[1]; ++th)
      for (int64_t tw = 0; tw < g.taps[2]; ++tw)
        for (int i = 0; i < run_count; ++i) {
          pieces[n] = make_piece(g, runs[i], td, th, tw);
          elements += pieces[n].count;
          n += pieces[n].count > 0;
        }
  *covered = elements == g.taps[0] * g.taps[1] * g.taps[2] * kPanelPixels;
  return n;
}

ENGINE_INLINE void copy_floats(float* dst, const float* src, int64_t n) {
  for (; n >= Block::size; n -= Block::size, dst += Block::size, src += Block::size) store(dst, load(src));
  if (Block::masked) {
    if (n > 0) store_first(dst, load_first(src, int(n)), int(n));
  } else {
    for (int64_t j = 0; j < n; ++j) dst[j] = src[j];
  }
}

// panel[(c * taps + tap) * kPanelPixels + j] = what grid pixel j of the panel reads of channel c, for c < channels; zero
// outside the input and beyond the panel's pixels.
static void gather_panel(const ConvGrid& g, const ConvPiece* pieces, int64_t n, bool covered, const float* input,
                         int64_t channels, float* panel) {
  const int64_t plane = g.in[0] * g.in[1] * g.in[2], floats = g.taps[0] * g.taps[1] * g.taps[2] * kPanelPixels;
  for (int64_t c = 0; c < channels; ++c, input += plane, panel += floats) {
    if (!covered)
      for (int64_t j = 0; j < floats; j += Block::size) store(panel + j, zero_block());
    if (g.step[2] == 1)
      for (int64_t i = 0; i < n; ++i) copy_floats(panel + pieces[i].to, input + pieces[i].from, pieces[i].count);
    else
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < pieces[i].count; ++j)
          panel[pieces[i].to + j] = input[pieces[i].from + j * g.step[2]];
  }
}

}  // namespace ENGINE_TIER
}  // namespace engine
