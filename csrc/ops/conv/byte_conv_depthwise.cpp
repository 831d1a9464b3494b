// Convolutions of one filter a channel: lines of the output as flat rows of positions. The lines of the input under them
// are gathered first, borders filled in and the columns of each phase of the stride together, so that every tap is a flat
// row too.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/checked.h"
#include "ops/conv/byte_conv.h"
#include "ops/conv/byte_pixels.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 30, kPositionsPerNs = 10;
constexpr int64_t kGatheredBytes = 128 << 10;
constexpr double kTileNsWanted = 50e3;

int64_t aligned(int64_t bytes) { return round_up(bytes, int64_t(kAlignment)); }

// Lines of the input under `lines` lines of the output, at one depth.
int64_t lines_under(const ConvShape& s, int64_t lines) { return (lines - 1) * s.stride[1] + s.kernel[1]; }

double line_ns(const ConvShape& s) { return double(s.out[2] * s.c_out) * (double(s.taps()) / kMacsPerNs + 1 / kPositionsPerNs) + 100; }

}  // namespace

Status ByteConv::prepare_depthwise(PrepareContext& c) {
  const ConvShape& s = shape_;
  const int64_t positions = s.out[2] * s.c_out;
  Source source = [&](int i) { return given(c, i) ? c.value(i) : nullptr; };
  const bool known = c.is_constant(inputs.w) && (!given(c, inputs.w_zero) || c.is_constant(inputs.w_zero));
  wide_ = result_ == DType::Int32 || !kernels_->depthwise || !known || !weights_are_bytes(source);
  period_ = std::min(std::lcm(s.c_out, int64_t(64)), std::max<int64_t>(64, round_up(positions, int64_t(64))));
  const int64_t columns = std::max<int64_t>(1, (s.out[2] - 1) * s.stride[2] + (s.kernel[2] - 1) * s.dilation[2] + 1);
  line_ = aligned(ceil_div(columns, s.stride[2]) * s.c_out + 64);
  // Lines that share gathered ones make a tile; where taps lie apart few are shared.
  tile_m_ = 1;
  const int64_t depth_bytes = s.kernel[0] * s.stride[2] * line_;
  while (s.dilation[1] == 1 && tile_m_ < s.out[1] && lines_under(s, tile_m_ + 1) * depth_bytes <= kGatheredBytes &&
         double(tile_m_ + 1) * line_ns(s) <= kTileNsWanted && double(tile_m_ * s.n * s.out[0]) * 3 * c.threads() < double(s.n * s.out[0] * s.out[1]))
    ++tile_m_;
  tiles_m_ = ceil_div(s.out[1], tile_m_);
  rows_at_ = aligned(lines_under(s, tile_m_) * depth_bytes);
  tile_at_ = rows_at_ + aligned(round_up(s.taps(), int64_t(4)) * int64_t(sizeof(void*)));
  c.need_scratch(tile_at_ + (channels_last ? 0 : aligned(positions * (result_ == DType::Int32 ? 4 : 1))));
  return {};
}

// to[kd][line][phase][column][channel]; the first line is `first`, others follow by the dilation.
void ByteConv::gather_lines(const uint8_t* image, int64_t depth, int64_t first, int64_t lines, uint8_t outside, uint8_t* to) const {
  const ConvShape& s = shape_;
  const int64_t c = s.c_in, stride = s.stride[2], columns = (s.out[2] - 1) * stride + (s.kernel[2] - 1) * s.dilation[2] + 1;
  const int64_t left = std::clamp<int64_t>(s.pad_begin[2], 0, columns), right = std::clamp<int64_t>(s.in[2] + s.pad_begin[2], left, columns);
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd)
    for (int64_t i = 0; i < lines; ++i, to += stride * line_) {
      const int64_t d = depth + kd * s.dilation[0], h = first + i * s.dilation[1];
      if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1]) {
        std::memset(to, outside, size_t(stride * line_));
        continue;
      }
      const uint8_t* from = image + ((d * s.in[1] + h) * s.in[2] - s.pad_begin[2]) * c;
      if (stride == 1) {
        std::memset(to, outside, size_t(left * c));
        std::memcpy(to + left * c, from + left * c, size_t((right - left) * c));
        std::memset(to + right * c, outside, size_t((columns - right) * c));
        continue;
      }
      for (int64_t x = 0; x < columns; ++x) {
        uint8_t* pixel = to + x % stride * line_ + x / stride * c;
        if (x >= left && x < right) std::memcpy(pixel, from + x * c, size_t(c));
        else std::memset(pixel, outside, size_t(c));
      }
    }
}

// rows[tap] for line `line` of a tile of which `gathered` lines a depth were gathered.
void ByteConv::point_taps(const uint8_t* lines, int64_t line, int64_t gathered, const uint8_t** rows) const {
  const ConvShape& s = shape_;
  const uint8_t** const begin = rows;
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd)
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh)
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
        const int64_t x = kw * s.dilation[2], at = (kd * gathered + line * s.stride[1] + kh) * s.stride[2] + x % s.stride[2];
        *rows++ = lines + at * line_ + x / s.stride[2] * s.c_in;
      }
  while ((rows - begin) % 4) *rows++ = begin[0];
}

Status ByteConv::run_depthwise(OpRun& r, const Terms& t, const Weights& weights, const uint8_t* x) const {
  const ConvShape& s = shape_;
  const int64_t positions = s.out[2] * s.c_out, element = result_ == DType::Int32 ? 4 : 1;
  char* y = r.out<char>(0);
  return r.parallel(s.n * s.out[0] * tiles_m_, double(tile_m_) * line_ns(s), [&](int64_t begin, int64_t end, int worker) {
    char* scratch = r.scratch(worker);
    uint8_t* gathered = reinterpret_cast<uint8_t*>(scratch);
    const uint8_t** rows = reinterpret_cast<const uint8_t**>(scratch + rows_at_);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t image = item / tiles_m_ / s.out[0], depth = item / tiles_m_ % s.out[0], first = item % tiles_m_ * tile_m_;
      const int64_t count = std::min(tile_m_, s.out[1] - first), lines = lines_under(s, count);
      gather_lines(x + image * s.c_in * s.in_pixels(), depth * s.stride[0] - s.pad_begin[0], first * s.stride[1] - s.pad_begin[1], lines,
                   t.x_zero, gathered);
      for (int64_t i = 0; i < count; ++i) {
        point_taps(gathered, i, lines, rows);
        const int64_t line = depth * s.out[1] + first + i, at = (image * s.out_pixels() + line * s.out[2]) * s.c_out;
        ByteDepthwise g{};
        g.rows = rows;
        g.n = positions, g.taps = s.taps(), g.period = period_;
        g.weights = weights.packed;
        g.finish = finish_of(t, 0);
        g.c = channels_last ? y + at * element : scratch + tile_at_;
        if (wide_) kernels_->depthwise_wide(g);
        else kernels_->depthwise(g);
        if (element == 1) after(r, static_cast<uint8_t*>(g.c), positions, at);
        if (!channels_last)
          pixels_to_planes(scratch + tile_at_, s.out[2], s.c_out, element, s.out_pixels(),
                           y + (image * s.c_out * s.out_pixels() + line * s.out[2]) * element);
      }
    }
  });
}

}  // namespace engine
