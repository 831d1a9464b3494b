#include "kernels/blocked/block_avx2.h"
#include "kernels/blocked/transpose_x86.inl"
#include "kernels/blocked/blocked.inl"
