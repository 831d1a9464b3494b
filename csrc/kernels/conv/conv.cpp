#include "kernels/conv/conv.h"

#include "kernels/conv/plans.h"
#include "kernels/conv/winograd_form.h"

namespace engine {
namespace {

// Costs in multiply-adds of a channel block: of one lane's sum, and of a converted block.
constexpr double kNarrowCost = 1.2, kOneChannelCost = 2.2, kConvertCost = 8;

// Products of an output element from which on a single pixel is computed in plain tensors, where its sum can be cut.
constexpr int64_t kMostOfOnePixel = 2048;

bool whole_blocks(const ConvShape& s, int64_t channels, int lanes) { return s.groups == 1 || channels % lanes == 0; }

bool supports_direct(const ConvShape& s, ChannelLayout input) {
  const int lanes = conv_kernels().lanes;
  if (s.transposed || !whole_blocks(s, s.group_out(), lanes)) return false;
  return input == ChannelLayout::plain || whole_blocks(s, s.group_in(), lanes);
}

}  // namespace

const char* conv_algorithm_name(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::direct:
      return "direct";
    case ConvAlgorithm::depthwise:
      return "depthwise";
    case ConvAlgorithm::panel:
      return "panel";
    case ConvAlgorithm::plain_depthwise:
      return "plain_depthwise";
    case ConvAlgorithm::narrow:
      return "narrow";
    case ConvAlgorithm::winograd:
      return "winograd";
  }
  return "";
}

bool conv_supports(const ConvShape& s, ChannelLayout input, ChannelLayout output) {
  if (output == ChannelLayout::plain) return input == ChannelLayout::plain;
  if (input == ChannelLayout::blocked && s.depthwise() && !s.transposed) return true;
  return supports_direct(s, input);
}

bool conv_prefers_plain(const ConvShape& s) {
  if (!conv_is_narrow(s) || s.depthwise()) return false;
  const double lanes = conv_kernels().lanes, out = double(s.group_out());
  const double blocks = double(ceil_div(s.group_out(), conv_kernels().lanes));
  const double sums = double(s.out_pixels() * s.groups) * double(s.group_in() * s.taps());
  const double convert = kConvertCost * double(s.c_in * s.in_pixels()) / lanes;
  return sums * (out == 1 ? kOneChannelCost : kNarrowCost * out) / lanes + convert < sums * blocks;
}

bool conv_prefers_blocked(const ConvShape& s) {
  if (!conv_supports(s, ChannelLayout::blocked, ChannelLayout::blocked) || conv_prefers_plain(s)) return false;
  const int64_t half_block = conv_kernels().lanes / 2;
  if (s.out_pixels() <= 1 && s.group_in() * s.taps() > kMostOfOnePixel) return false;
  return s.c_out >= half_block && (s.depthwise() || s.group_in() >= half_block);
}

std::unique_ptr<const ConvPlan> make_conv_plan(const ConvShape& s, ChannelLayout input, ChannelLayout output,
                                               const ConvEpilogue& epilogue) {
  const bool filters = s.depthwise() && !s.transposed;
  if (output == ChannelLayout::plain && conv_is_narrow(s) && !filters) return make_narrow_plan(s, epilogue);
  if (output == ChannelLayout::plain)
    return filters ? make_plain_depthwise_plan(s, epilogue) : make_panel_plan(s, epilogue);
  if (filters && input == ChannelLayout::blocked) return make_depthwise_plan(s, epilogue);
  if (input == ChannelLayout::blocked)
    if (std::optional<WinogradForm> form = best_winograd_form(s)) return make_winograd_plan(s, *form, epilogue);
  return make_direct_plan(s, input, epilogue);
}

}  // namespace engine
