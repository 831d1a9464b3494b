// Constants that do not lie where their type wants them: views of a mapped file, in which nothing is aligned.
//
// Only the packing of products' operands (kernels/gemm/gemm.h: GemmSource), the folding of factors into them and Gather, which moves
// bytes, read such a constant; for everybody else it is copied.
#pragma once

#include "graph/graph.h"

namespace engine {

bool is_aligned(const Tensor& tensor);

// A copy in memory of its own; what it was copied from is given back to the system. MemoryLimitExceeded.
Result<std::shared_ptr<const Tensor>> aligned_copy(const Tensor& tensor, MemoryAccount* account);

// True when the operator reads elements of that input while running, wherever they lie.
bool reads_unaligned(const Node& node, size_t input);

// Copies what is not aligned, in the graph and its bodies, but float32 constants that only products and Gather use.
Status align_constants(Graph& graph, MemoryAccount* account);

}  // namespace engine
