#include "kernels/conv/conv_depthwise.h"
#include "kernels/conv/winograd_form.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 40;
constexpr double kShareOfPeak = 0.45;          // of a depthwise convolution, which loads more than it multiplies
constexpr int64_t kRowsTogether = 4;           // as the depthwise kernel likes them
constexpr int64_t kStepBytes = 24 << 10;       // rows that are made and read in the first-level cache
constexpr int64_t kHeldBytes = 128 << 10;
constexpr int64_t kMostBytes = 384 << 10;      // scratch that stays in the second-level cache
constexpr int64_t kMostWeights = 256 << 10;    // of a job
constexpr int64_t kLeastBytes = 1 << 20;       // what is smaller stays in the second-level cache between two steps
constexpr double kMicrosecondsPerByte = 6e-5;  // of a tensor that is written and read again

int64_t clamp_row(int64_t row, int64_t rows) { return row < 0 ? 0 : row < rows ? row : rows; }

int64_t reach(const ConvShape& s) { return (s.kernel[1] - 1) * s.dilation[1] + 1; }

// The rows of its input that n neighbouring output rows read.
int64_t rows_read(const ConvShape& s, int64_t n) { return (n - 1) * s.stride[1] + reach(s); }

bool flat(const ConvShape& s) {
  return !s.transposed && s.in[0] == 1 && s.out[0] == 1 && s.kernel[0] == 1 && s.pad_begin[0] == 0;
}

}  // namespace

ConvInputRows conv_input_rows(const ConvShape& s, int64_t begin, int64_t end) {
  const int64_t from = clamp_row(begin * s.stride[1] - s.pad_begin[1], s.in[1]);
  const int64_t to = clamp_row((end - 1) * s.stride[1] - s.pad_begin[1] + reach(s), s.in[1]);
  return {from, to > from ? to : from};
}

ConvDepthwiseCut conv_depthwise_cut(const ConvShape& dense, const ConvShape& depthwise) {
  const ConvKernels& k = conv_kernels();
  const int64_t blocks = ceil_div(dense.c_out, k.lanes), width = k.direct_blocks * k.lanes, rows = depthwise.out[1];
  const int64_t row_bytes = dense.out[2] * width * 4;
  ConvDepthwiseCut cut;
  cut.jobs = ceil_div(blocks, k.direct_blocks);
  cut.dense_flops = 2.0 * double(dense.out[2] * width) * double(dense.c_in * dense.taps());
  cut.filter_flops = 2.0 * double(depthwise.out[2] * width) * double(depthwise.taps()) / kShareOfPeak;
  const double flops = double(depthwise.stride[1]) * cut.dense_flops + cut.filter_flops;
  cut.stretches = ceil_div(rows, units_per_tile(flops, k.flops_per_microsecond, kTileMicroseconds, rows));
  cut.stretch_rows = ceil_div(rows, cut.stretches);
  cut.stretches = ceil_div(rows, cut.stretch_rows);
  cut.step_rows = kRowsTogether;
  while (rows_read(depthwise, cut.step_rows + kRowsTogether) * row_bytes <= kStepBytes) cut.step_rows += kRowsTogether;
  if (cut.step_rows > cut.stretch_rows) cut.step_rows = cut.stretch_rows;
  const int64_t all = rows_read(depthwise, cut.stretch_rows), step = rows_read(depthwise, cut.step_rows);
  cut.held_rows = kHeldBytes / row_bytes > step ? kHeldBytes / row_bytes : step;
  if (cut.held_rows > all) cut.held_rows = all;
  return cut;
}

bool conv_depthwise_fits(const ConvShape& dense, ChannelLayout input, const ConvShape& depthwise) {
  if (!flat(dense) || !flat(depthwise) || dense.groups != 1 || !depthwise.depthwise()) return false;
  if (dense.n != depthwise.n || dense.c_out != depthwise.c_in || dense.out_pixels() == 0 || depthwise.out_pixels() == 0) return false;
  for (int d = 0; d < 3; ++d)
    if (dense.out[d] != depthwise.in[d]) return false;
  return conv_supports(dense, input, ChannelLayout::blocked);
}

bool conv_depthwise_pays(const ConvShape& dense, ChannelLayout input, const ConvShape& depthwise) {
  if (!conv_depthwise_fits(dense, input, depthwise)) return false;
  if (input == ChannelLayout::blocked && best_winograd_form(dense)) return false;
  const ConvKernels& k = conv_kernels();
  const ConvDepthwiseCut cut = conv_depthwise_cut(dense, depthwise);
  const int64_t width = k.direct_blocks * k.lanes;
  if (dense.c_in * dense.taps() * width * 4 > kMostWeights || cut.held_rows * dense.out[2] * width * 4 > kMostBytes) return false;
  if (dense.n * cut.jobs * width * dense.out_pixels() * 4 < kLeastBytes) return false;
  const int64_t shared = reach(depthwise) > depthwise.stride[1] ? reach(depthwise) - depthwise.stride[1] : 0;
  const double twice = double(cut.jobs * (cut.stretches - 1) * shared) * cut.dense_flops / k.flops_per_microsecond;
  return twice < double(cut.jobs * width * dense.out_pixels() * 4) * kMicrosecondsPerByte;
}

}  // namespace engine
