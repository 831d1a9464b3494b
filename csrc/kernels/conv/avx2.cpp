#include "kernels/blocked/block_avx2.h"
#include "kernels/conv/conv_table.inl"
