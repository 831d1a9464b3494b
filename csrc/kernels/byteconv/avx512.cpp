#include "kernels/gemm/bytes_avx512.h"
#include "kernels/byteconv/table.inl"
