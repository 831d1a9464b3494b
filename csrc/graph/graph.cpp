#include "graph/graph.h"

#include <algorithm>

namespace engine {

Attribute int_attribute(std::string name, int64_t value) {
  Attribute a;
  a.name = std::move(name);
  a.kind = AttributeKind::Int;
  a.ints = {value};
  return a;
}

Attribute ints_attribute(std::string name, std::vector<int64_t> values) {
  Attribute a;
  a.name = std::move(name);
  a.kind = AttributeKind::Ints;
  a.ints = std::move(values);
  return a;
}

Attribute float_attribute(std::string name, float value) {
  Attribute a;
  a.name = std::move(name);
  a.kind = AttributeKind::Float;
  a.floats = {value};
  return a;
}

Attribute string_attribute(std::string name, std::string value) {
  Attribute a;
  a.name = std::move(name);
  a.kind = AttributeKind::String;
  a.strings = {std::move(value)};
  return a;
}

const Attribute* find_attribute(const Attributes& attributes, const char* name) {
  for (const Attribute& a : attributes)
    if (a.name == name) return &a;
  return nullptr;
}

std::string Node::full_op_type() const { return domain.empty() ? op_type : domain + "." + op_type; }

std::string Node::label() const { return "node '" + name + "' (" + full_op_type() + ")"; }

ValueId Graph::add_value(std::string value_name, TypeInfo type) {
  GraphValue v;
  v.name = std::move(value_name);
  v.type = std::move(type);
  values.push_back(std::move(v));
  return ValueId(values.size() - 1);
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  ValueId v = add_value(std::move(value_name), TypeInfo::tensor(tensor.dtype, tensor.shape));
  values.back().constant = std::make_shared<const Tensor>(std::move(tensor));
  return v;
}

Graph clone(const Graph& graph) { return graph; }

Status sort_nodes(Graph& graph) {
  size_t n = graph.nodes.size();
  std::vector<int> producer(graph.values.size(), -1), waiting(n, 0);
  std::vector<std::vector<int>> users(n);
  for (size_t i = 0; i < n; ++i)
    for (ValueId v : graph.nodes[i].outputs)
      if (v >= 0) producer[size_t(v)] = int(i);
  for (size_t i = 0; i < n; ++i)
    for (ValueId v : graph.nodes[i].inputs)
      if (v >= 0 && producer[size_t(v)] >= 0) {
        users[size_t(producer[size_t(v)])].push_back(int(i));
        ++waiting[i];
      }
  std::vector<int> heap;  // ready nodes, smallest index first
  auto later = [](int a, int b) { return a > b; };
  for (size_t i = 0; i < n; ++i)
    if (waiting[i] == 0) heap.push_back(int(i));
  std::make_heap(heap.begin(), heap.end(), later);
  std::vector<Node> sorted;
  sorted.reserve(n);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    int i = heap.back();
    heap.pop_back();
    for (int user : users[size_t(i)])
      if (--waiting[size_t(user)] == 0) {
        heap.push_back(user);
        std::push_heap(heap.begin(), heap.end(), later);
      }
    sorted.push_back(std::move(graph.nodes[size_t(i)]));
  }
  if (sorted.size() != n) {
    for (size_t i = 0; i < n; ++i)
      if (waiting[i] > 0)
        return error(Code::InvalidModel, "%s takes part in a cycle", graph.nodes[i].label().c_str());
  }
  graph.nodes = std::move(sorted);
  return {};
}

namespace {

std::vector<char> live_nodes(const Graph& graph, std::vector<char>& used) {
  std::vector<char> live(graph.nodes.size(), 0);
  for (ValueId v : graph.outputs)
    if (v >= 0) used[size_t(v)] = 1;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    for (ValueId v : node.outputs)
      if (v >= 0 && used[size_t(v)]) live[i] = 1;
    if (!live[i]) continue;
    for (ValueId v : node.inputs)
      if (v >= 0) used[size_t(v)] = 1;
  }
  return live;
}

}  // namespace

void remove_dead(Graph& graph) {
  std::vector<char> used(graph.values.size(), 0);
  std::vector<char> live = live_nodes(graph, used);
  std::vector<Node> nodes;
  nodes.reserve(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (live[i]) nodes.push_back(std::move(graph.nodes[i]));
  graph.nodes = std::move(nodes);
  for (ValueId v : graph.inputs) used[size_t(v)] = 1;

  std::vector<ValueId> renumbered(graph.values.size(), kNoValue);
  std::vector<GraphValue> values;
  for (size_t v = 0; v < graph.values.size(); ++v) {
    if (!used[v]) continue;
    renumbered[v] = ValueId(values.size());
    values.push_back(std::move(graph.values[v]));
  }
  graph.values = std::move(values);
  auto apply = [&](std::vector<ValueId>& ids) {
    for (ValueId& v : ids)
      if (v >= 0) v = renumbered[size_t(v)];
  };
  for (Node& node : graph.nodes) {
    apply(node.inputs);
    apply(node.outputs);
  }
  apply(graph.inputs);
  apply(graph.outputs);
}

}  // namespace engine
