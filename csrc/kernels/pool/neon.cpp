#include "kernels/blocked/block_neon.h"
#include "kernels/pool/pool_table.inl"
