#include "kernels/blocked/block_avx2.h"
#include "kernels/pool/pool_table.inl"
