#include "kernels/norm/table.inl"
