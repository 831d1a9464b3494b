// Which nodes are element-wise instructions.
#pragma once

#include <optional>

#include "graph/graph.h"
#include "ops/elementwise_program.h"

namespace engine {

// The node as one instruction, its operands the node's input positions (those that became parameters are gone). Empty when the
// node is no float32 element-wise operator with a kernel of its own. REQUIRES: types are inferred.
std::optional<ElementwiseInstruction> elementwise_instruction(const Graph& graph, const Node& node);

}  // namespace engine
