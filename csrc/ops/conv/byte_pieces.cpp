#include "ops/conv/byte_pieces.h"

#include <algorithm>
#include <cstring>

namespace engine {
namespace {

constexpr int64_t kPastEnd = 4;  // rows that may end within three bytes of the memory's end

bool is_pointwise(const ConvShape& s) {
  for (int d = 0; d < 3; ++d)
    if (s.kernel[d] != 1 || s.stride[d] != 1 || s.pad_begin[d] != 0 || s.in[d] != s.out[d]) return false;
  return s.groups == 1;
}

}  // namespace

BytePieces::BytePieces(const ConvShape& s) : shape_(s) {
  taps_ = s.groups == 1 && s.dilation[2] == 1 ? s.kernel[2] : 1;
  pieces_ = s.taps() / taps_;
  length_ = taps_ * s.group_in();
  in_place_ = is_pointwise(s);
  for (int64_t o = 0; o < s.out[2]; ++o) {
    int64_t column = o * s.stride[2] - s.pad_begin[2];
    edge_columns_ += taps_ > 1 && (column < 0 || column + taps_ > s.in[2]);
  }
  for (int64_t p = 0; p < pieces_; ++p) {
    const int64_t tap = p * taps_, kw = tap % s.kernel[2], kh = tap / s.kernel[2] % s.kernel[1], kd = tap / s.kernel[2] / s.kernel[1];
    offsets_.push_back(((kd * s.dilation[0] * s.in[1] + kh * s.dilation[1]) * s.in[2] + kw * s.dilation[2]) * s.c_in);
  }
}

int64_t BytePieces::border_bytes(int64_t rows) const {
  int64_t lines = (rows - 1) / std::max<int64_t>(1, shape_.out[2]) + 2;
  return (std::min(rows, lines * edge_columns_) + kPastEnd) * pieces_ * readable();
}

void BytePieces::locate(const uint8_t* data, const uint8_t* end, const uint8_t* outside, int64_t first, int64_t last, uint8_t* border,
                        const uint8_t** rows) const {
  const ConvShape& s = shape_;
  Cursor to{end, outside, border, rows};
  if (in_place_) {
    for (int64_t o = first; o < last; ++o) place(data + o * length_, 0, taps_, &to);
    return;
  }
  for (int64_t o = first; o < last;) {
    const int64_t line = o / s.out[2], column = o % s.out[2], count = std::min(last - o, s.out[2] - column);
    const int64_t depth = line / s.out[1] * s.stride[0] - s.pad_begin[0], height = line % s.out[1] * s.stride[1] - s.pad_begin[1];
    const bool inside = depth >= 0 && depth + extent(0) <= s.in[0] && height >= 0 && height + extent(1) <= s.in[1];
    for (int64_t i = column; i < column + count; ++i) {
      const int64_t width = i * s.stride[2] - s.pad_begin[2];
      const uint8_t* from = data + ((depth * s.in[1] + height) * s.in[2] + width) * s.c_in;
      if (inside && width >= 0 && width + extent(2) <= s.in[2] && from + offsets_.back() + readable() <= end) {
        for (int64_t p = 0; p < pieces_; ++p) to.rows[p] = from + offsets_[size_t(p)];
        to.rows += pieces_;
      } else {
        locate_row(data, depth, height, width, &to);
      }
    }
    o += count;
  }
}

void BytePieces::locate_row(const uint8_t* data, int64_t depth, int64_t height, int64_t width, Cursor* to) const {
  const ConvShape& s = shape_;
  const int64_t columns = s.kernel[2] / taps_;
  for (int64_t kd = 0, d = depth; kd < s.kernel[0]; ++kd, d += s.dilation[0])
    for (int64_t kh = 0, h = height; kh < s.kernel[1]; ++kh, h += s.dilation[1]) {
      const bool inside = d >= 0 && d < s.in[0] && h >= 0 && h < s.in[1];
      for (int64_t kw = 0, w = width; kw < columns; ++kw, w += s.dilation[2]) {
        const int64_t low = inside ? std::max<int64_t>(0, -w) : taps_, high = std::min(taps_, s.in[2] - w);
        place(data + ((d * s.in[1] + h) * s.in[2] + w) * s.c_in, low, high, to);
      }
    }
}

// Taps [low, high) of the piece that would begin at `from` are within the input.
void BytePieces::place(const uint8_t* from, int64_t low, int64_t high, Cursor* to) const {
  const uint8_t*& row = *to->rows++;
  row = from;
  if (low == 0 && high == taps_ && from + readable() <= to->end) return;
  row = to->outside;
  if (low >= high) return;
  const ConvShape& s = shape_;
  std::memset(to->border, to->outside[0], size_t(readable()));
  std::memcpy(to->border + low * s.group_in(), from + low * s.c_in, size_t((high - low) * s.group_in()));
  row = to->border;
  to->border += readable();
}

}  // namespace engine
