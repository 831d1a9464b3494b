#include "kernels/gemm/bytes_vnni.h"
#include "kernels/byteconv/depthwise_vnni.inl"
#define ENGINE_FOUR_TAPS
#include "kernels/byteconv/table.inl"
