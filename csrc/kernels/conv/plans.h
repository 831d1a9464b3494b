// The plans behind make_conv_plan, one an algorithm, and what they share.
#pragma once

#include <vector>

#include "base/status.h"
#include "kernels/conv/conv.h"
#include "kernels/tiles.h"

namespace engine {

std::unique_ptr<const ConvPlan> make_direct_plan(const ConvShape& shape, ChannelLayout input, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_depthwise_plan(const ConvShape& shape, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_panel_plan(const ConvShape& shape, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_plain_depthwise_plan(const ConvShape& shape, const ConvEpilogue& epilogue);
std::unique_ptr<const ConvPlan> make_narrow_plan(const ConvShape& shape, const ConvEpilogue& epilogue);

// True when make_narrow_plan may be called and is the best choice between plain tensors.
bool conv_is_narrow(const ConvShape& shape);

// The geometry of the rows, for kernels that do not cut them into segments; strides between channels are zero.
ConvRows whole_rows(const ConvShape& shape);

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

// Kernel, stride, dilation, pad_begin, channels and groups, for packing keys.
std::string conv_weight_key(const ConvShape& shape);

}  // namespace engine
