#include "kernels/quant/lookup_plain.inl"
#include "kernels/quant/table.inl"
