#include "kernels/quant/lookup_avx512.inl"
#include "kernels/quant/table.inl"
