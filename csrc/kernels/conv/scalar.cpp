#include "kernels/blocked/block_scalar.h"
#include "kernels/conv/conv_table.inl"
