#include "kernels/transpose/block.inl"

namespace engine::scalar {

extern const TransposeKernels transpose_table;
const TransposeKernels transpose_table = {{
    transpose_block<1, PlainTile<1>>,
    transpose_block<2, PlainTile<2>>,
    transpose_block<4, PlainTile<4>>,
    transpose_block<8, PlainTile<8>>,
    transpose_block<16, PlainTile<16>>,
}};

}  // namespace engine::scalar
