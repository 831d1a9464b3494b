#include "kernels/conv/plans.h"

namespace engine {
namespace {

uint32_t column_mask(const ConvShape& s, int64_t column, int width, int64_t kw) {
  uint32_t mask = 0;
  for (int p = 0; p < width; ++p) {
    int64_t o = column + p, i = o * s.stride[2] - s.pad_begin[2] + kw * s.dilation[2];
    if (o < s.out[2] && i >= 0 && i < s.in[2]) mask |= 1u << p;
  }
  return mask;
}

}  // namespace

ConvRows whole_rows(const ConvShape& s) {
  ConvRows rows{};
  for (int d = 0; d < 3; ++d) {
    rows.in[d] = s.in[d];
    rows.out[d] = s.out[d];
    rows.kernel[d] = s.kernel[d];
    rows.stride[d] = s.stride[d];
    rows.dilation[d] = s.dilation[d];
    rows.pad_begin[d] = s.pad_begin[d];
  }
  rows.in_depth = s.in[1] * s.in[2];
  rows.out_depth = s.out[1] * s.out[2];
  return rows;
}

SegmentedRows::SegmentedRows(const ConvShape& s, int max_width) : rows(whole_rows(s)) {
  rows.row_segments = ceil_div(s.out[2], max_width);
  rows.width = rows.row_segments > 0 ? int(ceil_div(s.out[2], rows.row_segments)) : 1;
  segments = s.out[0] * s.out[1] * rows.row_segments;
  masks.reserve(size_t(rows.row_segments * (1 + s.kernel[2])));
  for (int64_t part = 0; part < rows.row_segments; ++part) {
    const size_t common = masks.size();
    masks.push_back(~0u);
    for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
      masks.push_back(column_mask(s, part * rows.width, rows.width, kw));
      masks[common] &= masks.back();
    }
  }
  rows.masks = masks.data();
}

std::string conv_weight_key(const ConvShape& s) {
  std::string key = s.transposed ? "transposed" : "forward";
  auto append = [&](int64_t x) { key.append(1, ' ').append(std::to_string(x)); };
  append(s.c_in), append(s.c_out), append(s.groups);
  for (int d = 0; d < 3; ++d) append(s.kernel[d]), append(s.stride[d]), append(s.dilation[d]), append(s.pad_begin[d]);
  return key;
}

}  // namespace engine
