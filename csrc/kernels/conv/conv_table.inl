// The tier's table of convolution kernels. REQUIRES: ENGINE_TIER and the tier's block header.
#pragma once

#include "kernels/conv/depthwise.inl"
#include "kernels/conv/direct.inl"
#include "kernels/conv/narrow.inl"
#include "kernels/conv/panel.inl"
#include "kernels/conv/plain_depthwise.inl"
#include "kernels/conv/winograd.inl"
#include "kernels/conv/winograd_filter.inl"
#include "kernels/conv/winograd_output.inl"

namespace engine {
namespace ENGINE_TIER {

extern const ConvKernels conv_table;
const ConvKernels conv_table = {
    Block::size, kDirectBlocks, kDirectWidth, kPanelPixels, kPanelRows,
    Block::registers * Block::size / Block::parts > 64 ? 80e3 : 8e3,
    direct, depthwise, panel, plain_depthwise, narrow, winograd_filter, winograd_input, winograd_product, winograd_output,
};

}  // namespace ENGINE_TIER
}  // namespace engine
