#include "kernels/blocked/block_neon.h"
#include "kernels/blocked/transpose_plain.inl"
#include "kernels/blocked/blocked.inl"
