#include "kernels/blocked/block_avx512.h"
#include "kernels/conv/conv_table.inl"
