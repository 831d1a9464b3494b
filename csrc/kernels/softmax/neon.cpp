#include "kernels/softmax/table.inl"
