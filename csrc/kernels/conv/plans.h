// The plans behind make_conv_plan, one an algorithm, and what they share.
#pragma once

#include <vector>

#include "base/status.h"
#include "kernels/conv/conv.h"

namespace engine {

std::unique_ptr<const ConvPlan> make_direct_plan(const ConvShape& shape, ChannelLayout input, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_depthwise_plan(const ConvShape& shape, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_panel_plan(const ConvShape& shape, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_plain_depthwise_plan(const ConvShape& shape, const ConvEpilogue& epilogue);

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Segments of at most `max_width` pixels, as even as can be, and their masks. Pointers refer to the object itself,
// which therefore stays where it is.
struct SegmentedRows {
  ConvRows rows;
  std::vector<uint32_t> masks;
  int64_t segments;  // of one image

  // Strides between channels are the caller's to set. REQUIRES: max_width <= 16.
  SegmentedRows(const ConvShape& shape, int max_width);
  SegmentedRows(const SegmentedRows&) = delete;
  SegmentedRows& operator=(const SegmentedRows&) = delete;
};

// The number of units, each of `flops`, that make a tile of about `microseconds`; 1 <= result <= max(count, 1).
int64_t units_per_tile(double flops, double flops_per_microsecond, double microseconds, int64_t count);

// Kernel, stride, dilation, pad_begin, channels and groups, for packing keys.
std::string conv_weight_key(const ConvShape& shape);

}  // namespace engine
