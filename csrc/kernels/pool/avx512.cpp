#include "kernels/blocked/block_avx512.h"
#include "kernels/pool/pool_table.inl"
