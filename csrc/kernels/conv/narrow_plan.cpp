#include <utility>

#include "kernels/conv/plans.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 60;
constexpr int64_t kLaidBytes = 256 << 10;  // laid-out input of a tile that stays in the second-level cache
constexpr int64_t kMostChannels = 8;
constexpr int64_t kSpanBlocks = 6;         // columns are cut at multiples of these blocks

// A pointwise convolution is one row of pixels, and so is one of a single column.
ConvShape in_rows(ConvShape s) {
  const bool column = s.in[2] == 1 && s.out[2] == 1 && s.kernel[2] == 1 && s.pad_begin[2] == 0;
  if (column)
    for (auto* sizes : {&s.in, &s.out, &s.kernel, &s.stride, &s.dilation, &s.pad_begin}) std::swap((*sizes)[1], (*sizes)[2]);
  const bool whole = s.taps() == 1 && s.stride[1] == 1 && s.stride[2] == 1 && s.pad_begin[1] == 0 && s.pad_begin[2] == 0 &&
                     s.in[1] == s.out[1] && s.in[2] == s.out[2];
  if (!whole) return s;
  s.in[2] = s.out[2] = s.in[1] * s.in[2];
  s.in[1] = s.out[1] = 1;
  return s;
}

class NarrowPlan final : public ConvPlan {
 public:
  NarrowPlan(const ConvShape& s, const ConvEpilogue& epilogue)
      : kernels_(conv_kernels()), shape_(in_rows(s)), key_(conv_weight_key(s)), finish_(conv_finish(epilogue)), rows_(whole_rows(shape_)) {
    tile_rows_ = s.group_out() == 1 ? 1 : s.group_out() == 2 ? 2 : 4;
    padded_rows_ = ceil_div(s.group_out(), tile_rows_) * tile_rows_;
    const double pixel = 2.0 * double(s.group_in() * s.taps() * padded_rows_);
    const double rate = kernels_.flops_per_microsecond * (tile_rows_ == 1 ? 0.5 : 0.8);
    const int64_t step = kSpanBlocks * kernels_.lanes, width = shape_.out[2];
    const int64_t steps = units_per_tile(pixel * double(step), rate, kTileMicroseconds, ceil_div(width, step));
    columns_ = steps * step < width ? steps * step : (width > 0 ? width : 1);
    spans_ = ceil_div(width, columns_);
    band_ = spans_ > 1 ? 1 : units_per_tile(pixel * double(width), rate, kTileMicroseconds, shape_.out[1]);
    while (band_ > 1 && laid_floats() * 4 > kLaidBytes) band_ = (band_ + 1) / 2;
    bands_ = ceil_div(shape_.out[1], band_);
  }

  ConvAlgorithm algorithm() const override { return ConvAlgorithm::narrow; }
  std::string packing_key() const override { return format("narrow %d %s", int(tile_rows_), key_.c_str()); }
  size_t packed_floats() const override { return size_t(shape_.groups * group_floats()); }
  size_t pack_items() const override { return size_t(shape_.groups); }
  void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const override {
    for (size_t g = begin; g < end; ++g) pack_group(weight, bias, int64_t(g), packed + int64_t(g) * group_floats());
  }

  size_t tiles(size_t) const override { return size_t(shape_.n * shape_.groups * bands_ * spans_); }
  size_t scratch_bytes() const override {
    return size_t(ceil_div(laid_floats() * 4, 64) * 64 + (shape_.kernel[1] + shape_.kernel[2]) * 8);
  }
  void run(const ConvTensors& t, size_t, size_t begin, size_t end, void* scratch) const override {
    for (size_t i = begin; i < end; ++i) run_tile(t, int64_t(i), static_cast<char*>(scratch));
  }

 private:
  int64_t group_floats() const { return padded_rows_ * (1 + shape_.group_in() * shape_.taps()); }

  int64_t laid_floats() const {
    const int64_t rows = (band_ - 1) * shape_.stride[1] + (shape_.kernel[1] - 1) * shape_.dilation[1] + 1;
    const int64_t reach = (shape_.kernel[2] - 1) * shape_.dilation[2] + 1;
    const int64_t phases = shape_.stride[2] < reach ? shape_.stride[2] : reach;
    const int64_t length = columns_ + reach + (kSpanBlocks + 2) * kernels_.lanes;
    return shape_.group_in() * rows * phases * length + kSpanBlocks * kernels_.lanes;
  }

  // [bias][row tile][channel][kh][kw][tile_rows]
  void pack_group(const float* weight, const float* bias, int64_t group, float* out) const {
    const int64_t taps = shape_.taps(), channels = shape_.group_in(), real = shape_.group_out(), base = group * real;
    for (int64_t o = 0; o < padded_rows_; ++o) *out++ = bias && o < real ? bias[base + o] : 0.0f;
    for (int64_t tile = 0; tile < padded_rows_; tile += tile_rows_)
      for (int64_t i = 0; i < channels * taps; ++i)
        for (int64_t o = tile; o < tile + tile_rows_; ++o) *out++ = o < real ? weight[(base + o) * channels * taps + i] : 0.0f;
  }

  void run_tile(const ConvTensors& t, int64_t tile, char* scratch) const {
    const int64_t span = tile % spans_, band = tile / spans_ % bands_, unit = tile / (spans_ * bands_);
    const int64_t out_at = unit * shape_.group_out() * shape_.out_pixels();
    ConvNarrowJob j;
    j.rows = &rows_;
    j.input = t.input + unit * shape_.group_in() * shape_.in_pixels();
    j.bias = t.packed + unit % shape_.groups * group_floats();
    j.weights = j.bias + padded_rows_;
    j.residual = t.residual ? t.residual + out_at : nullptr;
    j.output = t.output + out_at;
    j.row_begin = band * band_;
    j.row_end = j.row_begin + band_ < shape_.out[1] ? j.row_begin + band_ : shape_.out[1];
    j.column_begin = span * columns_;
    j.column_end = j.column_begin + columns_ < shape_.out[2] ? j.column_begin + columns_ : shape_.out[2];
    j.channels = shape_.group_in();
    j.out_channels = shape_.group_out();
    j.tile_rows = int(tile_rows_);
    j.scratch = reinterpret_cast<float*>(scratch);
    j.offsets = reinterpret_cast<int64_t*>(scratch + ceil_div(laid_floats() * 4, 64) * 64);
    j.laid = reinterpret_cast<const float**>(j.offsets + shape_.kernel[2]);
    j.finish = finish_;
    kernels_.narrow(j);
  }

  const ConvKernels& kernels_;
  const ConvShape shape_;
  const std::string key_;
  const ConvFinish finish_;
  const ConvRows rows_;
  int64_t tile_rows_, padded_rows_;  // output channels summed together; of a group, to whole such tiles
  int64_t columns_, spans_;          // columns of a tile; spans of a row
  int64_t band_, bands_;             // rows of a tile; bands of an image
};

}  // namespace

bool conv_is_narrow(const ConvShape& shape) {
  if (shape.transposed || shape.group_out() > kMostChannels) return false;
  const ConvShape s = in_rows(shape);
  return s.in[0] == 1 && s.out[0] == 1 && s.kernel[0] == 1 && s.pad_begin[0] == 0 && s.out[2] >= conv_kernels().lanes / 2;
}

std::unique_ptr<const ConvPlan> make_narrow_plan(const ConvShape& shape, const ConvEpilogue& epilogue) {
  return std::make_unique<NarrowPlan>(shape, epilogue);
}

}  // namespace engine
