#include "kernels/peak/peak.inl"
