#include "kernels/blocked/block_avx512.h"
#include "kernels/blocked/transpose_x86.inl"
#include "kernels/blocked/blocked.inl"
