#include "kernels/convert/table.inl"
