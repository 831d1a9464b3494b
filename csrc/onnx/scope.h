// Names while a graph is built: what they mean, and how values of outer graphs get into inner ones.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "onnx/budget.h"
#include "onnx/messages.h"
#include "onnx/name_table.h"

namespace engine::onnx {

// A graph under construction.
struct GraphContext {
  Graph* graph = nullptr;
  GraphContext* outer = nullptr;  // of the node that holds this body; null for the model's graph
  struct Capture {
    ValueId outer, inner;
  };
  std::vector<Capture> captures;  // values of `outer` that became inputs of this body, in order of first use
  std::unordered_map<ValueId, ValueId> inner_of;  // values of `outer`, captured or shared as constants
  NameSet inlined_names;                          // made up for values of inlined functions
};

struct Scope;

// An attribute given to a call of a function: never a reference. At most one of the two is set; neither when the call
// leaves it out and it has no default.
struct Argument {
  const Attribute* value = nullptr;
  const OpenAttribute* graphs = nullptr;
  const Scope* scope = nullptr;  // in which names in `graphs` are looked up
};

// One call of a function.
struct Call {
  const FunctionMessage* function = nullptr;
  const Call* outer = nullptr;  // the call in which this one was found
  NameTable<Argument> arguments;
  std::string prefix;  // of names of what the call is replaced by
};

// Names declared in one graph, or in one call of a function, whose nodes go into the graph of the call.
struct Scope {
  const Scope* outer = nullptr;  // for bodies; functions and the model's graph see nothing outside
  GraphContext* context = nullptr;
  const Opsets* opsets = nullptr;
  const Call* call = nullptr;           // the function that the text around belongs to; null outside of functions
  NameTable<ValueId> names;             // kNoValue: an input of the function that the call leaves out
  NameTable<ValueId> function_outputs;  // only in the outermost scope of a call: the values that they define
  bool is_function = false;
};

// The value that `name` means in `scope`, brought into the graph of `context` (that of `scope`, or one inside): a
// constant is shared, any other value captured by every graph on the way. *found says whether there is such a name;
// *value may then be kNoValue.
Status find_value(const Scope& scope, GraphContext& context, Bytes name, Budget& budget, bool* found, ValueId* value);

// Adds a value, charged to the budget.
Result<ValueId> add_value(Graph& graph, Budget& budget, std::string name, const TypeInfo& type);

}  // namespace engine::onnx
