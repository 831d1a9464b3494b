// The model between the file and the plan: values and nodes in static single assignment form.
//
// A graph owns its values; a node refers to them by index. Each value is a graph input, a constant, or one output of one node.
// A subgraph (the body of If, Loop, Scan, SequenceMap) is a graph of its own whose inputs are its formal inputs followed by
// the outer values it uses; the node that holds it lists these captured values after its own inputs (Node::captures of them,
// the same for all bodies of the node). So nothing refers to a value of another graph.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/attribute.h"

namespace engine {

struct OpDef;       // ops/op.h
class Subprogram;   // ops/op.h

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input or output that is left out

struct GraphValue {
  std::string name;
  TypeInfo type;
  std::vector<std::string> dim_names;        // graph inputs and outputs: the symbol of each dimension, "" where it is a number or absent
  std::shared_ptr<const Tensor> constant;    // set for constants
};

struct Graph;

struct Body {
  std::string name;                          // the attribute's name: "then_branch"
  std::shared_ptr<Graph> graph;
  std::shared_ptr<Subprogram> program;       // set once the graph is compiled
};

struct Node {
  std::string name;                          // for messages; may be empty in the file, then made up from the operator and an output
  std::string domain;                        // "" is ai.onnx
  std::string op_type;
  int opset = 0;                             // the model's version of the domain
  const OpDef* def = nullptr;                // set by resolve
  std::vector<ValueId> inputs;               // kNoValue where left out; the last `captures` are captured values
  std::vector<ValueId> outputs;
  std::shared_ptr<const Attributes> attributes;
  std::vector<Body> bodies;
  int captures = 0;

  // "node 'conv_3' (Conv)"
  std::string label() const;
  // "com.microsoft.Gelu", "Conv"
  std::string full_op_type() const;
};

struct Graph {
  std::string name;
  std::vector<GraphValue> values;
  std::vector<Node> nodes;                   // in an order in which inputs come before their uses
  std::vector<ValueId> inputs;               // without those that are constants (initializers that the file lists as inputs)
  std::vector<ValueId> outputs;

  ValueId add_value(std::string name, TypeInfo type = {});
  ValueId add_constant(std::string name, Tensor tensor);
  const Tensor* constant(ValueId v) const { return v < 0 ? nullptr : values[size_t(v)].constant.get(); }
  GraphValue& operator[](ValueId v) { return values[size_t(v)]; }
  const GraphValue& operator[](ValueId v) const { return values[size_t(v)]; }
};

// A copy that shares constants, attributes and compiled bodies.
Graph clone(const Graph& graph);

// InternalError that names what is wrong: an index out of range, a value defined twice or never, a use before the
// definition, captures that do not match a body's inputs. `stage` is named in the message.
Status check_graph(const Graph& graph, const char* stage);

// Puts nodes into an order in which inputs come before uses, keeping the given order where it can; InvalidModel on a cycle.
Status sort_nodes(Graph& graph);

// Drops nodes whose outputs nobody uses, and values that nothing refers to (ids change).
// Graph inputs stay. Nodes whose operator has effects (none in ONNX) do not exist.
void remove_dead(Graph& graph);

// Readable text: a line a node.
std::string dump_graph(const Graph& graph);

}  // namespace engine
