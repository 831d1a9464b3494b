#include "graph/graph.h"

namespace engine {
namespace {

std::string value_text(const Graph& graph, ValueId v) {
  if (v < 0) return "-";
  const GraphValue& value = graph[v];
  return value.name + ":" + (value.constant ? "const " : "") + value.type.text();
}

void dump(const Graph& graph, const std::string& indent, std::string& out) {
  for (const Node& node : graph.nodes) {
    out += indent;
    for (size_t i = 0; i < node.outputs.size(); ++i) out += (i ? ", " : "") + value_text(graph, node.outputs[i]);
    out += " = " + node.full_op_type() + "(";
    for (size_t i = 0; i < node.inputs.size(); ++i) out += (i ? ", " : "") + value_text(graph, node.inputs[i]);
    out += ")\n";
    for (const Body& body : node.bodies) {
      out += indent + "  " + body.name + ":\n";
      if (body.graph) dump(*body.graph, indent + "    ", out);
    }
  }
}

}  // namespace

std::string dump_graph(const Graph& graph) {
  std::string out;
  dump(graph, "", out);
  return out;
}

}  // namespace engine
