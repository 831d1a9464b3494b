#include "kernels/gemm/bytes_plain.h"
#include "kernels/byteconv/table.inl"
