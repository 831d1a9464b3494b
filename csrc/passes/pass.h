// A rewrite of the graph that keeps its meaning, and the ordered list of them.
#pragma once

#include "graph/rewrite.h"
#include "ops/op.h"

namespace engine {

// How much is rewritten. Off: nothing, not even folding (every shape operand is read at run time). Cheap: folding and what
// removes nodes. All: fusions and layouts too. The answers are the same within rounding.
enum class Level : int { Off = 0, Cheap = 1, All = 2 };

struct PassContext {
  Level level = Level::All;
  MemoryAccount* account = nullptr;
  // Every graph input has its shape: the graph belongs to one plan.
  bool specialised = false;
};

// One file a pass: csrc/passes/<name>.cpp defines `Status pass_<name>(Graph&, PassContext&, bool* changed)`. It handles this graph only
// (bodies are visited by the driver), leaves nodes sorted (Rewriter::finish does), and may leave types of new values
// unknown but for graph outputs: they are inferred again after it. New nodes need domain, op_type, opset; resolve() sets def.
using PassFn = Status (*)(Graph& graph, PassContext& context, bool* changed);

struct Pass {
  const char* name;
  Level level;           // runs at this level and above
  bool at_load;          // on the model as loaded
  bool at_plan;          // on the graph of one plan, every shape known
  PassFn run;
};

// Runs the passes of context.level in order (passes/pipeline.cpp) over the graph and its bodies that are not compiled, with inference and
// a consistency check (InternalError names the pass) after each that changed something.
Status optimize(Graph& graph, PassContext& context);

}  // namespace engine
