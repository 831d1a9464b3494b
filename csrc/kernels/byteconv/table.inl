// The table of one tier. Before it the tier file includes its Bytes, and may define ENGINE_FOUR_TAPS and, with its ByteTiles, ENGINE_TILES.
#pragma once

#include "kernels/byteconv/depthwise_wide.inl"
#if defined(ENGINE_TILES)
#include "kernels/byteconv/rows_tiles.inl"
#else
#include "kernels/byteconv/rows.inl"
#endif

namespace engine::ENGINE_TIER {

extern const ByteConvKernels byte_conv_table;
const ByteConvKernels byte_conv_table = {kBytePanel,
#if defined(ENGINE_TILES)
                                         kTileRows, ByteTiles::tile_macs, packed_tile_bytes, weight_pack_items, pack_tiles, tiles_scratch_bytes, run_tiles,
#else
                                         6, Bytes::tile_macs, packed_weight_bytes, weight_pack_items, pack_weights, rows_scratch_bytes, run_rows,
#endif
                                         depthwise_wide,
#if defined(ENGINE_FOUR_TAPS)
                                         depthwise_four_taps, kFourTapOrder
#else
                                         nullptr, nullptr
#endif
};

}  // namespace engine::ENGINE_TIER
