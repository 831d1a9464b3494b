// The table of one tier. Before it the tier file includes its Bytes, and may define ENGINE_FOUR_TAPS.
#pragma once

#include "kernels/byteconv/depthwise_wide.inl"
#include "kernels/byteconv/rows.inl"

namespace engine::ENGINE_TIER {

extern const ByteConvKernels byte_conv_table;
const ByteConvKernels byte_conv_table = {kBytePanel, 6, Bytes::tile_macs, packed_weight_bytes, weight_pack_items, pack_weights, rows_scratch_bytes, run_rows, depthwise_wide,
#if defined(ENGINE_FOUR_TAPS)
                                         depthwise_four_taps, kFourTapOrder
#else
                                         nullptr, nullptr
#endif
};

}  // namespace engine::ENGINE_TIER
