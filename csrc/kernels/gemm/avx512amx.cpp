#include "kernels/gemm/bytes_vnni.h"
#include "kernels/gemm/byte_tiles_amx.h"
#include "kernels/gemm/int8_table.inl"
