#include "kernels/numeric/table.inl"
