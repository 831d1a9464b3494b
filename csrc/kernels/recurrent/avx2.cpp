#include "kernels/recurrent/table.inl"
