#include "graph/rewrite.h"

#include <algorithm>

namespace engine {

Rewriter::Rewriter(Graph& graph)
    : graph_(graph), producer_(graph.values.size(), -1), uses_(graph.values.size()), output_(graph.values.size(), 0),
      removed_(graph.nodes.size(), 0) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId v : graph.nodes[i].outputs)
      if (v >= 0) producer_[size_t(v)] = int(i);
    for (ValueId v : graph.nodes[i].inputs)
      if (v >= 0) uses_[size_t(v)].push_back(int(i));
  }
  for (ValueId v : graph.outputs)
    if (v >= 0) output_[size_t(v)] = 1;
}

bool Rewriter::replace(ValueId from, ValueId to) {
  if (from == to) return true;
  if (is_output(from)) {
    if (producer(to) < 0 || is_output(to)) return false;
    graph_[to].name = graph_[from].name;
    graph_[to].dim_names = graph_[from].dim_names;
    std::replace(graph_.outputs.begin(), graph_.outputs.end(), from, to);
    output_[size_t(from)] = 0;
    output_[size_t(to)] = 1;
  }
  std::vector<int> users = uses_[size_t(from)];
  for (int user : users) {
    for (ValueId& v : graph_.nodes[size_t(user)].inputs)
      if (v == from) v = to;
  }
  uses_[size_t(to)].insert(uses_[size_t(to)].end(), users.begin(), users.end());
  uses_[size_t(from)].clear();
  changed_ = true;
  return true;
}

int Rewriter::add(Node node) {
  int index = int(graph_.nodes.size());
  for (ValueId v : node.outputs)
    if (v >= 0) producer_[size_t(v)] = index;
  for (ValueId v : node.inputs)
    if (v >= 0) uses_[size_t(v)].push_back(index);
  graph_.nodes.push_back(std::move(node));
  removed_.push_back(0);
  changed_ = true;
  return index;
}

ValueId Rewriter::add_value(std::string name, TypeInfo type) {
  producer_.push_back(-1);
  uses_.emplace_back();
  output_.push_back(0);
  return graph_.add_value(std::move(name), std::move(type));
}

ValueId Rewriter::add_constant(std::string name, Tensor tensor) {
  producer_.push_back(-1);
  uses_.emplace_back();
  output_.push_back(0);
  return graph_.add_constant(std::move(name), std::move(tensor));
}

void Rewriter::set_input(int node, int position, ValueId v) {
  ValueId& slot = graph_.nodes[size_t(node)].inputs[size_t(position)];
  if (slot >= 0) {
    std::vector<int>& users = uses_[size_t(slot)];
    users.erase(std::find(users.begin(), users.end(), node));
  }
  slot = v;
  if (v >= 0) uses_[size_t(v)].push_back(node);
  changed_ = true;
}

void Rewriter::remove(int node) {
  Node& n = graph_.nodes[size_t(node)];
  for (ValueId v : n.inputs) {
    if (v < 0) continue;
    std::vector<int>& users = uses_[size_t(v)];
    auto it = std::find(users.begin(), users.end(), node);
    if (it != users.end()) users.erase(it);
  }
  for (ValueId v : n.outputs)
    if (v >= 0 && producer_[size_t(v)] == node) producer_[size_t(v)] = -1;
  n.inputs.clear();
  n.outputs.clear();
  removed_[size_t(node)] = 1;
  changed_ = true;
}

void Rewriter::steal_outputs(int from, int to) {
  graph_.nodes[size_t(to)].outputs = graph_.nodes[size_t(from)].outputs;
  for (ValueId v : graph_.nodes[size_t(to)].outputs)
    if (v >= 0) producer_[size_t(v)] = to;
  remove(from);
}

Status Rewriter::finish() {
  if (!changed_) return {};
  std::vector<Node> nodes;
  nodes.reserve(graph_.nodes.size());
  for (size_t i = 0; i < graph_.nodes.size(); ++i)
    if (!removed_[i]) nodes.push_back(std::move(graph_.nodes[i]));
  graph_.nodes = std::move(nodes);
  ENGINE_TRY(sort_nodes(graph_));
  remove_dead(graph_);
  return {};
}

}  // namespace engine
