// A captured value that is a constant of the outer graph becomes a constant of each body, and is captured no more.
#include "passes/pass.h"

namespace engine {
namespace {

bool sink(Graph& graph, Node& node) {
  bool changed = false;
  for (int k = node.captures - 1; k >= 0; --k) {
    size_t first = node.inputs.size() - size_t(node.captures);
    const std::shared_ptr<const Tensor> constant = graph[node.inputs[first + size_t(k)]].constant;
    if (!constant) continue;
    for (Body& body : node.bodies) {
      Graph& inner = *body.graph;
      size_t position = inner.inputs.size() - size_t(node.captures) + size_t(k);
      inner[inner.inputs[position]].constant = constant;
      inner.inputs.erase(inner.inputs.begin() + std::ptrdiff_t(position));
    }
    node.inputs.erase(node.inputs.begin() + std::ptrdiff_t(first) + k);
    --node.captures;
    changed = true;
  }
  return changed;
}

}  // namespace

Status pass_sink_constants(Graph& graph, PassContext&, bool* changed) {
  for (Node& node : graph.nodes) {
    bool compiled = false;
    for (const Body& body : node.bodies) compiled |= body.program != nullptr;
    if (!node.bodies.empty() && !compiled) *changed |= sink(graph, node);
  }
  return {};
}

}  // namespace engine
