// Types, shapes and known elements, carried forward through a graph.
#pragma once

#include "ops/op.h"

namespace engine {

struct FoldLimits {
  // Nodes whose inputs are all constants become constants when their outputs have at most this many bytes each; 0: no folding.
  int64_t max_bytes = int64_t(64) << 20;
  // ... or at most so many times the bytes of their inputs, once they pass `free_bytes`.
  double max_growth = 4;
  int64_t free_bytes = int64_t(1) << 20;
  // DequantizeLinear stays, for passes that want the integers.
  bool keep_quantized = false;
};

// Infers every node in order, on the types of the graph's inputs and constants, and writes the types of all values, in bodies
// that are not compiled yet too. What the file declared of a value is kept where inference knows less. Foldable nodes become constants (dead nodes stay;
// see remove_dead). InvalidModel or UnsupportedOperator with the node's label. Folding memory is charged to `account`.
Status propagate(Graph& graph, const FoldLimits& limits, MemoryAccount* account);

}  // namespace engine
