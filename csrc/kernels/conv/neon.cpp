#include "kernels/blocked/block_neon.h"
#include "kernels/conv/conv_table.inl"
