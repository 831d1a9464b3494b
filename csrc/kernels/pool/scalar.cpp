#include "kernels/blocked/block_scalar.h"
#include "kernels/pool/pool_table.inl"
