#include "kernels/elementwise/table.inl"
