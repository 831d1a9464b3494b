#include "kernels/gemm/bytes_avx2.h"
#include "kernels/byteconv/table.inl"
