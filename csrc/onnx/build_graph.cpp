#include <algorithm>

#include "onnx/builder.h"

namespace engine::onnx {
namespace {

bool in_order(const Graph& graph) {
  std::vector<char> made(graph.values.size(), 1);
  for (const Node& node : graph.nodes)
    for (ValueId v : node.outputs)
      if (v >= 0) made[size_t(v)] = 0;
  for (const Node& node : graph.nodes) {
    for (ValueId v : node.inputs)
      if (v >= 0 && !made[size_t(v)]) return false;
    for (ValueId v : node.outputs)
      if (v >= 0) made[size_t(v)] = 1;
  }
  return true;
}

// Declared types are hints: a value's own type stands, then the first that is declared.
void add_hint(const ValueInfoMessage& info, GraphValue& value) {
  if (value.constant || info.type.kind == TypeKind::Unknown) return;
  if (info.type.kind == TypeKind::Tensor && info.type.dtype == DType::Undefined) return;
  if (value.type.kind == TypeKind::Unknown) value.type = info.type;
}

Status check_input_type(const ValueInfoMessage& info) {
  if (!info.problem.empty())
    return error(Code::UnsupportedOperator, "the type of graph input %s is not supported: %s",
                 quoted(info.name).c_str(), std::string(info.problem).c_str());
  const TypeInfo& type = info.type;
  if (type.kind == TypeKind::Unknown || (type.kind == TypeKind::Tensor && type.dtype == DType::Undefined))
    return error(Code::InvalidModel, "graph input %s has no type", quoted(info.name).c_str());
  return {};
}

}  // namespace

Result<Graph> Builder::build() {
  Graph graph;
  GraphContext context;
  context.graph = &graph;
  Scope scope;
  scope.context = &context;
  scope.opsets = &model_.opsets;
  ENGINE_TRY(index_functions());
  ENGINE_TRY(build_graph(model_.graph, false, 0, scope));
  ENGINE_TRY(check_as_inputs());
  return graph;
}

Status Builder::build_graph(const GraphMessage& message, bool is_body, int depth, Scope& scope) {
  if (depth > limits::kDepth)
    return error(Code::InvalidModel, "graphs and function calls are nested deeper than %d levels", limits::kDepth);
  Graph& graph = *scope.context->graph;
  graph.name = std::string(message.name);
  // What is only looked at costs too: calls of functions repeat it.
  ENGINE_TRY(budget_.take_values(
      int64_t(message.inputs.size() + message.initializers.size() + message.hints.size() + message.outputs.size())));
  size_t expected = message.inputs.size() + message.initializers.size() + message.nodes.size();
  scope.names.reserve(expected);
  graph.values.reserve(expected);
  graph.nodes.reserve(message.nodes.size());
  ENGINE_TRY(add_inputs(message, scope));
  ENGINE_TRY(add_initializers(message, is_body, scope));
  for (const NodeMessage& node : message.nodes) ENGINE_TRY(declare_outputs(node, scope));
  for (const ValueInfoMessage& hint : message.hints)
    if (auto at = scope.names.find(hint.name); at != scope.names.end()) add_hint(hint, graph[at->second]);
  ENGINE_TRY(add_nodes(message.nodes, depth, scope));
  ENGINE_TRY(add_outputs(message, is_body, scope));
  if (!in_order(graph)) ENGINE_TRY(sort_nodes(graph));
  return {};
}

Result<ValueId> Builder::declare(Bytes name, const std::string& by, Scope& scope) {
  ValueId id;
  if (auto output = scope.function_outputs.find(name); output != scope.function_outputs.end()) {
    id = output->second;
  } else {
    ENGINE_ASSIGN(id, add_value(*scope.context->graph, budget_,
                                scope.is_function ? unique_name(scope, name) : std::string(name), TypeInfo()));
  }
  if (!scope.names.emplace(name, id).second)
    return error(Code::InvalidModel, "value %s is defined twice, the second time by %s", quoted(name).c_str(),
                 by.c_str());
  return id;
}

Status Builder::add_dim_names(const ValueInfoMessage& info, GraphValue& value) {
  int64_t bytes = 0;
  for (const std::string& name : info.dim_names) bytes += int64_t(name.size());
  if (bytes == 0) return {};
  ENGINE_TRY(budget_.take_bytes(bytes + int64_t(sizeof(std::string) * info.dim_names.size())));
  value.dim_names = info.dim_names;
  return {};
}

Status Builder::add_inputs(const GraphMessage& message, Scope& scope) {
  Graph& graph = *scope.context->graph;
  for (const ValueInfoMessage& info : message.inputs) {
    if (info.name.empty()) return error(Code::InvalidModel, "a graph input has no name");
    ENGINE_ASSIGN(ValueId id, declare(info.name, "the graph's inputs", scope));
    graph[id].type = info.type;
    ENGINE_TRY(add_dim_names(info, graph[id]));
    graph.inputs.push_back(id);
  }
  return {};
}

// An initializer with the name of a graph input is a constant, and no input, unless as_inputs names it. A body's inputs are
// given by position, so there the input stays.
Status Builder::add_initializers(const GraphMessage& message, bool is_body, Scope& scope) {
  Graph& graph = *scope.context->graph;
  for (const InitializerMessage& initializer : message.initializers) {
    auto declared = scope.names.find(initializer.name);
    bool is_input = declared != scope.names.end() && !graph[declared->second].constant;
    if (is_input && is_body) continue;
    ValueId id = is_input ? declared->second : kNoValue;
    if (is_input) {
      bool stays_input;
      ENGINE_TRY(add_default(initializer, graph[id], &stays_input));
      if (stays_input) continue;
    } else {
      ENGINE_ASSIGN(id, declare(initializer.name, "an initializer", scope));
    }
    GraphValue& value = graph[id];
    value.constant = initializer.tensor;
    value.type = TypeInfo::tensor(initializer.tensor->dtype, initializer.tensor->shape);
    value.dim_names.clear();
  }
  if (is_body) return {};
  for (size_t i = 0; i < message.inputs.size(); ++i)
    if (!graph[graph.inputs[i]].constant) ENGINE_TRY(check_input_type(message.inputs[i]));
  std::erase_if(graph.inputs, [&](ValueId id) { return graph[id].constant != nullptr; });
  return {};
}

Status Builder::add_default(const InitializerMessage& initializer, const GraphValue& input, bool* stays_input) {
  const TypeInfo& type = input.type;
  if (type.kind == TypeKind::Tensor && type.dtype != DType::Undefined && type.dtype != initializer.tensor->dtype)
    return error(Code::InvalidModel, "initializer %s is %s, the graph input of that name %s",
                 quoted(initializer.name).c_str(), dtype_name(initializer.tensor->dtype), dtype_name(type.dtype));
  *stays_input = false;
  if (model_.ir_version < limits::kOverridableFromIr) return {};
  ENGINE_TRY(budget_.take_bytes(sizeof(GraphValue)));
  defaults_.push_back(input);
  *stays_input = std::find(as_inputs_.begin(), as_inputs_.end(), input.name) != as_inputs_.end();
  return {};
}

Status Builder::check_as_inputs() const {
  for (const std::string& name : as_inputs_)
    if (std::none_of(defaults_.begin(), defaults_.end(), [&](const GraphValue& v) { return v.name == name; }))
      return error(Code::InvalidInput, "as_inputs: the model has no initializer %s that is an input too", quoted(name).c_str());
  return {};
}

Status Builder::add_outputs(const GraphMessage& message, bool is_body, Scope& scope) {
  Graph& graph = *scope.context->graph;
  NameTable<char> seen;
  for (const ValueInfoMessage& info : message.outputs) {
    ValueId id = kNoValue;
    bool found;
    if (info.name.empty()) return error(Code::InvalidModel, "a graph output has no name");
    ENGINE_TRY(find_value(scope, *scope.context, info.name, budget_, &found, &id));
    if (!found || id == kNoValue)
      return error(Code::InvalidModel, "graph output %s is never produced", quoted(info.name).c_str());
    if (!seen.emplace(info.name, 1).second && !is_body)
      return error(Code::InvalidModel, "graph output %s is listed twice", quoted(info.name).c_str());
    graph.outputs.push_back(id);
    add_hint(info, graph[id]);
    if (graph[id].dim_names.empty()) ENGINE_TRY(add_dim_names(info, graph[id]));
  }
  return {};
}

Status Builder::declare_outputs(const NodeMessage& node, Scope& scope) {
  ENGINE_TRY(budget_.take_nodes(1));
  for (Bytes name : node.outputs) {
    if (name.empty()) continue;
    if (auto known = scope.names.find(name); known != scope.names.end())
      return error(Code::InvalidModel, "value %s is defined twice, the second time by %s", quoted(name).c_str(),
                   node_label(std::string(node.name), node).c_str());
    ENGINE_ASSIGN(ValueId id, declare(name, "a node", scope));
    if (!is_constant(node)) continue;
    Result<std::shared_ptr<const Tensor>> tensor = constant_of(node, scope);
    if (!tensor.ok()) return std::move(tensor).status().with_context(node_label(std::string(node.name), node));
    GraphValue& value = (*scope.context->graph)[id];
    value.type = TypeInfo::tensor(tensor.value()->dtype, tensor.value()->shape);
    value.constant = tensor.take();
  }
  return {};
}

Status Builder::add_nodes(const std::vector<NodeMessage>& nodes, int depth, Scope& scope) {
  for (const NodeMessage& node : nodes)
    if (!is_constant(node)) ENGINE_TRY(add_node(node, depth, scope));
  return {};
}

}  // namespace engine::onnx
