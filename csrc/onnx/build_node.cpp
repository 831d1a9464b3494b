#include <unordered_set>

#include "onnx/builder.h"

namespace engine::onnx {

std::string node_label(const std::string& name, const NodeMessage& message) {
  std::string op =
      message.domain.empty() ? shown(message.op_type) : shown(message.domain) + "." + shown(message.op_type);
  return "node " + quoted(name) + " (" + op + ")";
}

// Nodes without a name get one that no other such node has: "Conv#12".
Result<std::string> Builder::node_name(const NodeMessage& message, const Scope& scope) {
  std::string name = scope.call ? scope.call->prefix : std::string();
  if (message.name.empty())
    name.append(message.op_type).append("#").append(std::to_string(++made_names_));
  else
    name.append(message.name);
  ENGINE_TRY(budget_.take_bytes(int64_t(sizeof(Node) + name.size() + message.op_type.size() + message.domain.size())));
  return name;
}

Result<int> Builder::opset_of(Bytes domain, const Scope& scope) const {
  if (auto at = scope.opsets->find(domain); at != scope.opsets->end()) return at->second;
  if (auto at = model_.opsets.find(domain); at != model_.opsets.end()) return at->second;
  return error(Code::InvalidModel, "the model imports no opset for domain %s",
               quoted(domain.empty() ? Bytes("ai.onnx") : domain).c_str());
}

Status Builder::find_inputs(const NodeMessage& message, const std::string& name, Scope& scope,
                            std::vector<ValueId>* out) {
  ENGINE_TRY(
      budget_.take_values(int64_t(message.inputs.size() + message.outputs.size() + message.open_attributes.size())));
  out->reserve(message.inputs.size());
  for (size_t i = 0; i < message.inputs.size(); ++i) {
    ValueId id = kNoValue;
    bool found = true;
    if (!message.inputs[i].empty())
      ENGINE_TRY(find_value(scope, *scope.context, message.inputs[i], budget_, &found, &id));
    if (!found)
      return error(Code::InvalidModel, "%s: input %zu, %s, is never defined", node_label(name, message).c_str(), i,
                   quoted(message.inputs[i]).c_str());
    out->push_back(id);
  }
  return {};
}

std::vector<ValueId> Builder::find_outputs(const NodeMessage& message, const Scope& scope) const {
  std::vector<ValueId> ids;
  ids.reserve(message.outputs.size());
  for (Bytes name : message.outputs) {
    auto declared = scope.names.find(name);
    ids.push_back(declared == scope.names.end() ? kNoValue : declared->second);
  }
  return ids;
}

Status Builder::add_node(const NodeMessage& message, int depth, Scope& scope) {
  if (const FunctionMessage* function = find_function(message)) return inline_call(message, *function, depth, scope);
  Node node;
  ENGINE_ASSIGN(node.name, node_name(message, scope));
  node.domain = std::string(message.domain);
  node.op_type = std::string(message.op_type);
  Result<int> opset = opset_of(message.domain, scope);
  if (!opset.ok()) return std::move(opset).status().with_context(node_label(node.name, message));
  node.opset = opset.value();
  ENGINE_TRY(find_inputs(message, node.name, scope, &node.inputs));
  node.outputs = find_outputs(message, scope);
  ENGINE_TRY_IN(add_attributes(message, depth, scope, &node), node_label(node.name, message));
  scope.context->graph->nodes.push_back(std::move(node));
  return {};
}

Result<Argument> Builder::find_argument(const OpenAttribute& attribute, const Scope& scope) const {
  if (attribute.ref.empty()) return Argument{nullptr, &attribute, &scope};
  if (!scope.call)
    return error(Code::InvalidModel, "attribute %s refers to an attribute %s of a function, and is in none",
                 quoted(attribute.name).c_str(), quoted(attribute.ref).c_str());
  auto given = scope.call->arguments.find(attribute.ref);
  if (given != scope.call->arguments.end()) {
    const Argument& argument = given->second;
    if (!argument.value && !argument.graphs) return argument;
    AttributeKind kind = argument.value ? argument.value->kind : argument.graphs->kind;
    if (attribute.kind != AttributeKind::Undefined && attribute.kind != kind)
      return error(Code::InvalidModel, "attribute %s is %s, attribute %s that it refers to is %s",
                   quoted(attribute.name).c_str(), kind_name(attribute.kind), quoted(attribute.ref).c_str(),
                   kind_name(kind));
    return argument;
  }
  return error(Code::InvalidModel, "attribute %s refers to an attribute %s that the function does not declare",
               quoted(attribute.name).c_str(), quoted(attribute.ref).c_str());
}

namespace {

int64_t memory_of(const Attribute& attribute) {
  int64_t bytes = sizeof(Attribute) + 8 * int64_t(attribute.ints.size()) + 4 * int64_t(attribute.floats.size());
  for (const std::string& text : attribute.strings) bytes += int64_t(sizeof(text) + text.size());
  return bytes + int64_t(sizeof(Tensor) * attribute.tensors.size() + sizeof(TypeInfo) * attribute.types.size());
}

}  // namespace

// Every body of the node gets all that any of them captures, in the same order.
Status Builder::share_captures(Node* node, std::vector<GraphContext>& contexts) {
  std::vector<ValueId> captured;
  std::unordered_set<ValueId> seen;
  for (const GraphContext& context : contexts)
    for (const GraphContext::Capture& capture : context.captures)
      if (seen.insert(capture.outer).second) captured.push_back(capture.outer);
  for (GraphContext& context : contexts) {
    for (ValueId outer : captured) {
      auto known = context.inner_of.find(outer);
      const GraphValue& source = (*context.outer->graph)[outer];
      ValueId inner = known != context.inner_of.end() ? known->second : kNoValue;
      if (inner == kNoValue) {
        ENGINE_ASSIGN(inner, add_value(*context.graph, budget_, source.name, source.type));
      }
      context.graph->inputs.push_back(inner);
    }
  }
  node->inputs.insert(node->inputs.end(), captured.begin(), captured.end());
  node->captures = int(captured.size());
  return {};
}

Status Builder::add_attributes(const NodeMessage& message, int depth, Scope& scope, Node* node) {
  node->attributes = message.attributes;
  if (message.open_attributes.empty()) return {};
  Attributes own;
  std::vector<GraphContext> contexts;
  for (const OpenAttribute& attribute : message.open_attributes) {
    ENGINE_ASSIGN(Argument argument, find_argument(attribute, scope));
    if (argument.value) {
      ENGINE_TRY(budget_.take_bytes(memory_of(*argument.value)));
      own.push_back(*argument.value);
      own.back().name = attribute.name;
    } else if (argument.graphs) {
      ENGINE_TRY(add_bodies(*argument.graphs, attribute.name, *argument.scope, depth, scope, node, &contexts));
    }
  }
  if (!own.empty()) {
    for (const Attribute& plain : *message.attributes) {
      ENGINE_TRY(budget_.take_bytes(memory_of(plain)));
      own.push_back(plain);
    }
    node->attributes = std::make_shared<const Attributes>(std::move(own));
  }
  return share_captures(node, contexts);
}

Status Builder::add_bodies(const OpenAttribute& graphs, const std::string& name, const Scope& names, int depth,
                           Scope& scope, Node* node, std::vector<GraphContext>* contexts) {
  for (const std::shared_ptr<const GraphMessage>& message : graphs.graphs) {
    auto graph = std::make_shared<Graph>();
    GraphContext context;
    context.graph = graph.get();
    context.outer = scope.context;
    Scope body;
    body.outer = &names;
    body.context = &context;
    body.opsets = names.opsets;
    body.call = names.call;
    ENGINE_TRY_IN(build_graph(*message, true, depth + 1, body), "body " + quoted(name));
    contexts->push_back(std::move(context));
    node->bodies.push_back({name, std::move(graph), nullptr});
  }
  return {};
}

}  // namespace engine::onnx
