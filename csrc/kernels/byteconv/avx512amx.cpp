#include "kernels/gemm/bytes_vnni.h"
#include "kernels/gemm/byte_tiles_amx.h"
#include "kernels/byteconv/depthwise_vnni.inl"
#define ENGINE_FOUR_TAPS
#define ENGINE_TILES
#include "kernels/byteconv/table.inl"
