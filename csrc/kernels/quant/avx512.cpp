#include "kernels/quant/table.inl"
