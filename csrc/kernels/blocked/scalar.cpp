#include "kernels/blocked/block_scalar.h"
#include "kernels/blocked/transpose_plain.inl"
#include "kernels/blocked/blocked.inl"
