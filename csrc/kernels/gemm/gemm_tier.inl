// Everything that a tier of the gemm family consists of, on top of its Lanes and kTileMacs. Order matters.
// clang-format off
#include "kernels/gemm/f32_micro.inl"
#include "kernels/gemm/f32_epilogue.inl"
#include "kernels/gemm/f32_pack.inl"
#include "kernels/gemm/f32_run.inl"
// clang-format on
