#include "kernels/reduce/table.inl"
