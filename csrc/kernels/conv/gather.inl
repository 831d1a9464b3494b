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

// What a run reads through one tap: nothing outside [lo, hi), there input[at + j * step].
struct Reach {
  int lo, hi;
  int64_t at;
};

static Reach reach(const ConvGrid& g, const Run& run, int64_t td, int64_t th, int64_t tw) {
  const int64_t d = run.d * g.step[0] + g.offset[0][td], h = run.h * g.step[1] + g.offset[1][th];
  const int64_t w = run.w * g.step[2] + g.offset[2][tw], step = g.step[2];
  if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1] || w >= g.in[2]) return {0, 0, 0};
  int64_t lo = w >= 0 ? 0 : (-w + step - 1) / step;
  int64_t hi = (g.in[2] - 1 - w) / step + 1;
  if (hi > run.count) hi = run.count;
  if (lo > hi) lo = hi;
  return {int(lo), int(hi), (d * g.in[1] + h) * g.in[2] + w};
}

ENGINE_INLINE void copy_run(const Reach& from, int count, int64_t step, const float* plane, float* dst) {
  for (int j = 0; j < from.lo; ++j) dst[j] = 0.0f;
  const float* src = plane + from.at;
  if (step == 1)
    for (int j = from.lo; j < from.hi; ++j) dst[j] = src[j];
  else
    for (int j = from.lo; j < from.hi; ++j) dst[j] = src[j * step];
  for (int j = from.hi; j < count; ++j) dst[j] = 0.0f;
}

// panel[(c * taps + tap) * kPanelPixels + j] = what grid pixel begin + j reads of channel c, for c < channels;
// zero outside the input and for j beyond `count`.
static void gather_panel(const ConvGrid& g, const Run* runs, int run_count, int count, const float* input,
                         int64_t channels, float* panel) {
  const int64_t plane = g.in[0] * g.in[1] * g.in[2], taps = g.taps[0] * g.taps[1] * g.taps[2];
  int64_t tap = 0;
  for (int64_t td = 0; td < g.taps[0]; ++td)
    for (int64_t th = 0; th < g.taps[1]; ++th)
      for (int64_t tw = 0; tw < g.taps[2]; ++tw, ++tap) {
        for (int i = 0; i < run_count; ++i) {
          const Run& run = runs[i];
          const Reach from = reach(g, run, td, th, tw);
          float* dst = panel + tap * kPanelPixels + run.first;
          if (g.step[2] == 1 && from.lo == 0 && from.hi == kPanelPixels) {
            for (int64_t c = 0; c < channels; ++c)
              for (int j = 0; j < kPanelPixels; j += Block::size)
                store(dst + c * taps * kPanelPixels + j, load(input + c * plane + from.at + j));
          } else {
            for (int64_t c = 0; c < channels; ++c)
              copy_run(from, run.count, g.step[2], input + c * plane, dst + c * taps * kPanelPixels);
          }
        }
        for (int64_t c = 0; c < channels; ++c)
          for (int j = count; j < kPanelPixels; ++j) panel[(c * taps + tap) * kPanelPixels + j] = 0.0f;
      }
}

}  // namespace ENGINE_TIER
}  // namespace engine
