#include <string.h>

#include "kernels/tree/tree.h"

namespace engine::avx512 {
namespace {
#include "kernels/tree/walk.inl"
}  // namespace

extern const TreeKernels tree_table;
const TreeKernels tree_table = {walk_rows, walk_row, sum_rows, sum_row, nullptr, nullptr, nullptr, {}};

}  // namespace engine::avx512
