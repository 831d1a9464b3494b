// Everything that a tier of the gemm family consists of, on top of its Lanes, Bytes, DoubleLanes, Word32Lanes,
// Word64Lanes, kTileMacs and kByteTileMacs. Order matters.
// clang-format off
#include "kernels/gemm/unroll.inl"
#include "kernels/gemm/f32_micro.inl"
#include "kernels/gemm/activate_row.inl"
#include "kernels/gemm/f32_epilogue.inl"
#include "kernels/gemm/f32_pack.inl"
#include "kernels/gemm/f32_run.inl"
#include "kernels/gemm/int8_micro.inl"
#include "kernels/gemm/int8_pack.inl"
#include "kernels/gemm/int8_epilogue.inl"
#include "kernels/gemm/int8_run.inl"
#include "kernels/gemm/typed.inl"
// clang-format on
