// The terms of the columns.
#include <algorithm>

#include "base/checked.h"
#include "ops/conv/byte_conv.h"

namespace engine {
namespace {

int64_t aligned(int64_t bytes) { return round_up(bytes, int64_t(kAlignment)); }

int64_t value_at(const Tensor* t, int64_t i) { return t ? integer_at(*t, t->elements() == 1 ? 0 : i) : 0; }

float scale_at(const Tensor* t, int64_t i) { return t ? t->as<float>()[t->elements() == 1 ? 0 : i] : 1.0f; }

}  // namespace

// Of all groups, each padded to whole panels; depthwise: the positions of a period.
int64_t ByteConv::padded_columns() const { return depthwise() ? period_ : shape_.groups * round_up(shape_.group_out(), int64_t(64)); }

int64_t ByteConv::terms_bytes() const { return aligned(sizeof(Terms)) + 4 * aligned(padded_columns() * 4); }

ByteConv::Terms ByteConv::terms_at(char* memory) const { return *reinterpret_cast<const Terms*>(memory); }

void ByteConv::fill_column(const Source& source, const Weights& weights, int64_t channel, int64_t at, Terms* t) const {
  const int64_t k = shape_.group_in() * shape_.taps();
  const int64_t zero = value_at(source(inputs.w_zero), channel) - (w_type_ == DType::Uint8 ? 128 : 0);
  const Tensor* bias = source(inputs.bias);
  const bool whole = bias && bias->dtype == DType::Int32;
  const int64_t own = whole ? bias->as<int32_t>()[channel] : 0;
  t->start[at] = int32_t(uint32_t(uint64_t(own - int64_t(t->x_zero) * (weights.sums[channel] - k * zero))));
  t->weight_zeros[at] = int32_t(zero);
  t->zeros |= zero != 0;
  const float y_scale = scale_at(source(inputs.y_scale), 0);
  t->scale[at] = scale_at(source(inputs.x_scale), 0) * scale_at(source(inputs.w_scale), channel) / y_scale;
  t->shift[at] = bias && !whole ? bias->as<float>()[channel] / y_scale : 0.0f;
}

ByteConv::Terms ByteConv::fill_terms(const Source& source, const Weights& weights, char* memory) const {
  Terms t;
  const int64_t columns = padded_columns(), step = aligned(columns * 4), n = shape_.group_out(), padded = round_up(n, int64_t(64));
  char* at = memory + aligned(sizeof(Terms));
  std::fill_n(at, 4 * step, char(0));
  t.start = reinterpret_cast<int32_t*>(at), t.weight_zeros = reinterpret_cast<int32_t*>(at + step);
  t.scale = reinterpret_cast<float*>(at + 2 * step), t.shift = reinterpret_cast<float*>(at + 3 * step);
  t.x_zero = uint8_t(value_at(source(inputs.x_zero), 0) + (x_type_ == DType::Int8 ? 128 : 0));
  t.y_zero = int32_t(value_at(source(inputs.y_zero), 0));
  if (depthwise()) {
    for (int64_t p = 0; p < columns; ++p) {
      const int64_t position = wide_ ? p : p / 64 * 64 + kernels_->order[p % 64];
      fill_column(source, weights, position % shape_.c_out, p, &t);
    }
  } else {
    for (int64_t j = 0; j < shape_.c_out; ++j) fill_column(source, weights, j, j / n * padded + j % n, &t);
  }
  *reinterpret_cast<Terms*>(memory) = t;
  return t;
}

ByteFinish ByteConv::finish_of(const Terms& t, int64_t column) const {
  ByteFinish f{};
  f.words = result_ == DType::Int32;
  f.start = t.start + column, f.scale = t.scale + column, f.shift = t.shift + column;
  f.zero = t.y_zero;
  f.low = low, f.high = high;
  if (low == 0 && high == 0) f.low = result_ == DType::Int8 ? -128 : 0, f.high = f.low + 255;
  return f;
}

}  // namespace engine
