#include "ops/conv/byte_conv.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/checked.h"
#include "base/isa.h"
#include "ops/conv/conv_shape_of.h"

namespace engine {
namespace {

constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);
constexpr double kMacsPerNs = 40, kDepthwiseMacsPerNs = 2;

int64_t aligned(int64_t bytes) { return round_up(bytes, int64_t(kAlignment)); }

ByteType byte_type(DType d) { return d == DType::Int8 ? ByteType::s8 : ByteType::u8; }

// Unit steps, one position, no pads: the input's pixels are the product's rows.
bool is_pointwise(const ConvShape& s) {
  for (int d = 0; d < 3; ++d)
    if (s.kernel[d] != 1 || s.stride[d] != 1 || s.pad_begin[d] != 0 || s.in[d] != s.out[d]) return false;
  return true;
}

// Half to even. REQUIRES: |x| < 2^22.
float rounded(float x) {
  constexpr float kMagic = 12582912.0f;
  return (x + kMagic) - kMagic;
}

template <class T>
void transpose_tile(const T* tile, int64_t rows, int64_t columns, int64_t plane, T* y) {
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i) y[j * plane + i] = tile[i * columns + j];
}

// y[i * rows + j] = x[j * stride + i] for i < columns, j < rows; in square blocks that stay in the first-level cache.
void turn(const char* x, int64_t stride, int64_t rows, int64_t columns, char* y) {
  constexpr int64_t kBlock = 32;
  for (int64_t top = 0; top < rows; top += kBlock)
    for (int64_t left = 0; left < columns; left += kBlock) {
      int64_t bottom = std::min(rows, top + kBlock), right = std::min(columns, left + kBlock);
      for (int64_t i = left; i < right; ++i)
        for (int64_t j = top; j < bottom; ++j) y[i * rows + j] = x[j * stride + i];
    }
}

// [m, channel, tap] to [m, tap, channel].
void turn_weights(const ConvShape& s, const char* w, char* to) {
  int64_t k = s.group_in() * s.taps();
  for (int64_t m = 0; m < s.c_out; ++m) turn(w + m * k, s.taps(), s.group_in(), s.taps(), to + m * k);
}

}  // namespace

Status ByteConv::infer(InferContext& c, DType result) {
  result_ = result;
  ENGINE_TRY(c.require(inputs.x, kBytes));
  ENGINE_TRY(c.require(inputs.w, kBytes));
  x_type_ = c.dtype(inputs.x), w_type_ = c.dtype(inputs.w);
  for (int scale : {inputs.x_scale, inputs.w_scale, inputs.y_scale})
    if (scale >= 0) ENGINE_TRY(c.require(scale, dtypes::kFloat32));
  if (inputs.x_zero >= 0 && c.has_input(inputs.x_zero)) ENGINE_TRY(c.require_same(inputs.x, inputs.x_zero));
  if (inputs.w_zero >= 0 && c.has_input(inputs.w_zero)) ENGINE_TRY(c.require_same(inputs.w, inputs.w_zero));
  bool has_bias = inputs.bias >= 0 && c.has_input(inputs.bias);
  if (has_bias) ENGINE_TRY(c.require(inputs.bias, dtype_set(DType::Int32)));
  c.set(0, result);
  if (!c.known(inputs.x) || !c.known(inputs.w) || (has_bias && !c.known(inputs.bias))) return {};
  Shape output;
  ENGINE_TRY(conv_shape_of(c, c.shape(inputs.x), inputs.w, false, has_bias ? inputs.bias : -1, &shape_, &output));
  c.set(0, result, output);
  return {};
}

Status ByteConv::check_small(PrepareContext& c, int position, bool per_channel) const {
  if (position < 0 || !c.has_input(position)) return {};
  int64_t n = c.shape(position).elements();
  if (n == 1 || (per_channel && n == shape_.c_out)) return {};
  return error(Code::UnsupportedOperator, "input %d has shape %s; one value%s is supported", position, c.shape(position).text().c_str(),
               per_channel ? " or one for each output channel" : "");
}

Status ByteConv::prepare(PrepareContext& c) {
  for (int i : {inputs.x_scale, inputs.x_zero, inputs.y_scale, inputs.y_zero}) ENGINE_TRY(check_small(c, i, false));
  for (int i : {inputs.w_scale, inputs.w_zero}) ENGINE_TRY(check_small(c, i, true));
  int64_t small = 2 * aligned(shape_.c_out * 4);
  if (shape_.depthwise()) {
    c.need_shared_scratch(small + aligned(shape_.weight_count() * 4));
    c.need_scratch(aligned(shape_.out[2] * 4));
    return {};
  }
  kernels_ = &gemm_int8_kernels();
  if (c.is_constant(inputs.w)) ENGINE_TRY(pack(c));
  pointwise_ = is_pointwise(shape_);
  pixels_at_ = small;
  weights_at_ = small + aligned(shape_.n * shape_.c_in * shape_.in_pixels());
  c.need_shared_scratch(weights_at_ + (packed_ ? 0 : aligned(shape_.weight_count())));
  int64_t k = shape_.group_in() * shape_.taps(), element = result_ == DType::Int32 ? 4 : 1;
  tiling_ = gemm_tiling(kernels_->blocking, shape_.out_pixels(), shape_.group_out(), k, c.threads(), true, !packed_);
  panel_bytes_ = pointwise_ ? 0 : aligned(tiling_.tile_m * k);
  tile_bytes_ = aligned(tiling_.tile_m * tiling_.tile_n * element);
  c.need_scratch(int64_t(tiling_.scratch_bytes) + panel_bytes_ + tile_bytes_);
  return {};
}

Status ByteConv::pack(PrepareContext& c) {
  const int64_t n = shape_.group_out(), k = shape_.group_in() * shape_.taps(), groups = shape_.groups;
  packed_bytes_ = aligned(int64_t(kernels_->packed_b_bytes(n, k)));
  int64_t bytes = 0;
  if (!checked_mul(packed_bytes_, groups, &bytes)) return error(Code::MemoryLimitExceeded, "packed weights are too large");
  const char* w = c.value(inputs.w)->as<char>();
  int64_t panels = (n + kernels_->blocking.panel - 1) / kernels_->blocking.panel;
  std::string kind = format("byte conv %s %lld", isa_name(active_isa()), (long long)groups);
  ENGINE_ASSIGN(packed_, c.pack(inputs.w, kind, bytes, [&](char* memory) {
    std::vector<char> turned(static_cast<size_t>(shape_.weight_count()));
    turn_weights(shape_, w, turned.data());
    for (int64_t g = 0; g < groups; ++g)
      kernels_->pack_b(turned.data() + g * n * k, byte_type(w_type_), 1, k, n, k, 0, panels, memory + g * packed_bytes_);
  }));
  return {};
}

ByteConv::Call ByteConv::read(OpRun& r) const {
  Call call;
  int64_t n = shape_.c_out, at = aligned(n * 4);
  auto one = [&](int i) { return i >= 0 && r.has(i) ? integer_at(r.in(i), 0) : 0; };
  call.x_zero = int32_t(one(inputs.x_zero));
  call.y_zero = int32_t(one(inputs.y_zero));
  if (inputs.bias >= 0 && r.has(inputs.bias)) call.bias = r.in<int32_t>(inputs.bias);
  int32_t* zeros = r.shared_scratch<int32_t>();
  const Tensor* w_zero = inputs.w_zero >= 0 && r.has(inputs.w_zero) ? &r.in(inputs.w_zero) : nullptr;
  for (int64_t j = 0; j < n; ++j) zeros[j] = w_zero ? int32_t(integer_at(*w_zero, w_zero->elements() == 1 ? 0 : j)) : 0;
  call.w_zeros = zeros;
  if (result_ == DType::Int32) return call;
  float* scales = reinterpret_cast<float*>(r.shared_scratch() + at);
  const Tensor& w_scale = r.in(inputs.w_scale);
  float x_scale = r.in<float>(inputs.x_scale)[0], y_scale = r.in<float>(inputs.y_scale)[0];
  for (int64_t j = 0; j < n; ++j) scales[j] = x_scale * w_scale.as<float>()[w_scale.elements() == 1 ? 0 : j] / y_scale;
  call.scales = scales;
  return call;
}

Status ByteConv::run(OpRun& r) const {
  Call call = read(r);
  return shape_.depthwise() ? run_depthwise(r, call) : run_product(r, call);
}

Status ByteConv::to_pixels(OpRun& r, const char* x, char* pixels) const {
  constexpr int64_t kPiece = 256;
  const int64_t channels = shape_.group_in(), plane = shape_.in_pixels(), pieces = (plane + kPiece - 1) / kPiece;
  double ns = double(channels * std::min(kPiece, plane)) * 0.4;
  return r.parallel(shape_.n * shape_.groups * pieces, ns, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t base = i / pieces * channels * plane, first = i % pieces * kPiece;
      turn(x + base + first, plane, channels, std::min(kPiece, plane - first), pixels + base + first * channels);
    }
  });
}

// panel[i, tap, channel]: under that tap of output pixel first + i; `zero` outside the input.
void ByteConv::gather(const char* pixels, int32_t zero, int64_t first, int64_t last, char* panel) const {
  const ConvShape& s = shape_;
  const size_t channels = size_t(s.group_in());
  for (int64_t o = first; o < last; ++o) {
    int64_t row = o / s.out[2], column = o % s.out[2] * s.stride[2] - s.pad_begin[2];
    for (int64_t kd = 0; kd < s.kernel[0]; ++kd)
      for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
        int64_t d = row / s.out[1] * s.stride[0] - s.pad_begin[0] + kd * s.dilation[0];
        int64_t h = row % s.out[1] * s.stride[1] - s.pad_begin[1] + kh * s.dilation[1];
        bool inside = d >= 0 && d < s.in[0] && h >= 0 && h < s.in[1];
        const char* line = pixels + (d * s.in[1] + h) * s.in[2] * int64_t(channels);
        bool whole = s.dilation[2] == 1 && column >= 0 && column + s.kernel[2] <= s.in[2];
        if (inside && whole) {
          std::memcpy(panel, line + column * int64_t(channels), channels * size_t(s.kernel[2]));
          panel += channels * size_t(s.kernel[2]);
          continue;
        }
        for (int64_t kw = 0; kw < s.kernel[2]; ++kw, panel += channels) {
          int64_t at = column + kw * s.dilation[2];
          if (inside && at >= 0 && at < s.in[2]) std::memcpy(panel, line + at * int64_t(channels), channels);
          else std::memset(panel, zero & 255, channels);
        }
      }
  }
}

void ByteConv::store(const char* tile, int64_t rows, int64_t columns, char* y) const {
  int64_t plane = shape_.out_pixels();
  if (result_ == DType::Int32) transpose_tile(reinterpret_cast<const int32_t*>(tile), rows, columns, plane, reinterpret_cast<int32_t*>(y));
  else transpose_tile(tile, rows, columns, plane, y);
}

Status ByteConv::run_product(OpRun& r, const Call& call) const {
  const ConvShape& s = shape_;
  const int64_t n = s.group_out(), k = s.group_in() * s.taps(), element = result_ == DType::Int32 ? 4 : 1;
  char* x = r.shared_scratch() + pixels_at_;
  char* w = r.shared_scratch() + weights_at_;
  char* y = r.out<char>(0);
  ENGINE_TRY(to_pixels(r, r.in(inputs.x).as<char>(), x));
  if (!packed_) turn_weights(s, r.in(inputs.w).as<char>(), w);
  GemmInt8 base{};
  base.n = n, base.k = k;
  base.a_type = byte_type(x_type_), base.b_type = byte_type(w_type_);
  base.a_zero = call.x_zero, base.c_zero = call.y_zero;
  base.c_low = low, base.c_high = high;
  base.b_row = 1, base.b_col = k;
  base.result = result_ == DType::Int32 ? Int8Result::s32 : result_ == DType::Uint8 ? Int8Result::u8 : Int8Result::s8;
  double ns = double(tiling_.tile_m) * double(tiling_.tile_n) * double(k) / kMacsPerNs + double(panel_bytes_) * 0.1 + double(tile_bytes_);
  return r.parallel(s.n * s.groups * tiling_.tiles, ns, [&](int64_t begin, int64_t end, int worker) {
    char* scratch = r.scratch(worker);
    char* panel = scratch + tiling_.scratch_bytes;
    char* sums = panel + panel_bytes_;
    for (int64_t item = begin; item < end; ++item) {
      int64_t image = item / tiling_.tiles / s.groups, group = item / tiling_.tiles % s.groups, tile = item % tiling_.tiles;
      const char* from = x + (image * s.c_in + group * s.group_in()) * s.in_pixels();
      GemmInt8 g = base;
      g.b = w + group * n * k;
      if (packed_) g.packed_b = packed_->data() + group * packed_bytes_;
      g.b_zeros = call.w_zeros + group * n;
      if (call.scales) g.column_scales = call.scales + group * n;
      if (call.bias) g.bias = call.bias + group * n;
      GemmTile part = gemm_tile(tiling_, tile, 0);
      int64_t first = part.m0, rows = part.m1 - part.m0, columns = part.n1 - part.n0;
      g.m = rows;
      g.a = pointwise_ ? from + first * k : panel;
      g.a_row = k, g.a_col = 1;
      g.c_stride = columns;
      g.c = sums - part.n0 * element;
      if (!pointwise_) gather(from, call.x_zero, first, part.m1, panel);
      for (int64_t step = 0; step < tiling_.k_steps; ++step) {
        part = gemm_tile(tiling_, tile, step);
        part.m0 = 0, part.m1 = rows;
        kernels_->run(g, part, scratch);
      }
      store(sums, rows, columns, y + ((image * s.c_out + group * n + part.n0) * s.out_pixels() + first) * element);
    }
  });
}

void ByteConv::finish(const Call& call, int64_t channel, const int32_t* sums, int64_t n, char* y) const {
  if (result_ == DType::Int32) {
    std::memcpy(y, sums, size_t(n) * 4);
    return;
  }
  float scale = call.scales[channel], least = result_ == DType::Int8 ? -128.0f : 0.0f, most = least + 255.0f;
  if (low != 0 || high != 0) least = float(low), most = float(high);
  uint32_t bias = call.bias ? uint32_t(call.bias[channel]) : 0;
  for (int64_t i = 0; i < n; ++i) {
    float v = float(int32_t(uint32_t(sums[i]) + bias)) * scale;
    v = v > 1024.0f ? 1024.0f : v < -1024.0f ? -1024.0f : v;
    v = rounded(v) + float(call.y_zero);
    v = v > most ? most : v >= least ? v : least;
    y[i] = char(int32_t(v));
  }
}

template <class X>
void ByteConv::depthwise_row(const X* x, const int32_t* weights, const Call& call, int64_t channel, int64_t row, int32_t* sums,
                             char* y) const {
  const ConvShape& s = shape_;
  int64_t columns = s.out[2], stride = s.stride[2];
  std::fill_n(sums, columns, 0);
  for (int64_t tap = 0; tap < s.taps(); ++tap) {
    int64_t d = row / s.out[1] * s.stride[0] - s.pad_begin[0] + tap / (s.kernel[1] * s.kernel[2]) * s.dilation[0];
    int64_t h = row % s.out[1] * s.stride[1] - s.pad_begin[1] + tap / s.kernel[2] % s.kernel[1] * s.dilation[1];
    if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1]) continue;
    int64_t shift = tap % s.kernel[2] * s.dilation[2] - s.pad_begin[2];
    int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
    int64_t last = s.in[2] > shift ? std::min(columns, (s.in[2] - shift - 1) / stride + 1) : 0;
    const X* line = x + (d * s.in[1] + h) * s.in[2] + shift;
    int32_t weight = weights[tap];
    if (stride == 1)
      for (int64_t o = first; o < last; ++o) sums[o] += (int32_t(line[o]) - call.x_zero) * weight;
    else
      for (int64_t o = first; o < last; ++o) sums[o] += (int32_t(line[o * stride]) - call.x_zero) * weight;
  }
  finish(call, channel, sums, columns, y);
}

Status ByteConv::run_depthwise(OpRun& r, const Call& call) const {
  const ConvShape& s = shape_;
  const int64_t taps = s.taps(), rows = s.out[0] * s.out[1], element = result_ == DType::Int32 ? 4 : 1;
  int32_t* weights = reinterpret_cast<int32_t*>(r.shared_scratch() + 2 * aligned(s.c_out * 4));
  const Tensor& w = r.in(inputs.w);
  for (int64_t i = 0; i < s.c_out * taps; ++i) weights[i] = int32_t(integer_at(w, i)) - call.w_zeros[i / taps];
  const char* x = r.in(inputs.x).as<char>();
  char* y = r.out<char>(0);
  double ns = double(s.out[2] * taps) / kDepthwiseMacsPerNs + double(s.out[2]) + 10;
  return r.parallel(s.n * s.c_out * rows, ns, [&](int64_t begin, int64_t end, int worker) {
    int32_t* sums = r.scratch<int32_t>(worker);
    for (int64_t i = begin; i < end; ++i) {
      int64_t plane = i / rows, channel = plane % s.c_out, row = i % rows;
      const char* from = x + plane * s.in_pixels();
      char* to = y + i * s.out[2] * element;
      if (x_type_ == DType::Int8) depthwise_row(reinterpret_cast<const int8_t*>(from), weights + channel * taps, call, channel, row, sums, to);
      else depthwise_row(reinterpret_cast<const uint8_t*>(from), weights + channel * taps, call, channel, row, sums, to);
    }
  });
}

}  // namespace engine
