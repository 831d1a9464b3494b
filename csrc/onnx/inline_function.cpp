// Calls of the model's own functions, replaced by their bodies.
#include "onnx/builder.h"

namespace engine::onnx {
namespace {

std::string function_key(Bytes domain, Bytes name, Bytes overload) {
  std::string key;
  for (Bytes part : {domain, name, overload}) key += std::to_string(part.size()) + ":" + std::string(part);
  return key;
}

bool running(const Call* call, const FunctionMessage& function) {
  for (; call; call = call->outer)
    if (call->function == &function) return true;
  return false;
}

Status check_counts(const NodeMessage& message, const FunctionMessage& function) {
  if (message.inputs.size() > function.inputs.size())
    return error(Code::InvalidModel, "the call gives %zu inputs, the function takes %zu", message.inputs.size(),
                 function.inputs.size());
  if (message.outputs.size() > function.outputs.size())
    return error(Code::InvalidModel, "the call takes %zu outputs, the function has %zu", message.outputs.size(),
                 function.outputs.size());
  return {};
}

}  // namespace

Status Builder::index_functions() {
  for (const FunctionMessage& function : model_.functions)
    if (!functions_.emplace(function_key(function.domain, function.name, function.overload), &function).second)
      return error(Code::InvalidModel, "function %s of domain %s is defined twice", quoted(function.name).c_str(),
                   quoted(function.domain).c_str());
  return {};
}

const FunctionMessage* Builder::find_function(const NodeMessage& message) const {
  if (functions_.empty()) return nullptr;
  auto found = functions_.find(function_key(message.domain, message.op_type, message.overload));
  return found == functions_.end() ? nullptr : found->second;
}

// The name, behind the call's, made unlike any other made for this graph or declared in it.
std::string Builder::unique_name(const Scope& scope, Bytes name) {
  std::string candidate = scope.call->prefix + std::string(name);
  auto& taken = scope.context->inlined_names;
  if (taken.empty())
    for (const GraphValue& value : scope.context->graph->values) taken.insert(value.name);
  while (!taken.insert(candidate).second) candidate.append("#").append(std::to_string(++made_names_));
  return candidate;
}

Status Builder::bind_arguments(const NodeMessage& message, const Scope& scope, Call* call) {
  for (Bytes name : call->function->attributes) call->arguments[name] = Argument{};
  for (const Attribute& attribute : call->function->defaults)
    call->arguments[attribute.name] = Argument{&attribute, nullptr, nullptr};
  if (!call->function->graph_defaults.empty())
    return error(Code::UnsupportedOperator, "attribute %s has a graph as its default",
                 quoted(call->function->graph_defaults[0].name).c_str());
  for (const Attribute& attribute : *message.attributes)
    call->arguments[attribute.name] = Argument{&attribute, nullptr, nullptr};
  for (const OpenAttribute& attribute : message.open_attributes) {
    ENGINE_ASSIGN(Argument argument, find_argument(attribute, scope));
    if (argument.value || argument.graphs) call->arguments[attribute.name] = argument;
  }
  return {};
}

Status Builder::inline_call(const NodeMessage& message, const FunctionMessage& function, int depth, Scope& scope) {
  ENGINE_TRY(budget_.take_values(int64_t(function.inputs.size() + function.outputs.size() + function.attributes.size() +
                                         function.defaults.size() + message.attributes->size())));
  Call call;
  call.function = &function;
  call.outer = scope.call;
  ENGINE_ASSIGN(std::string name, node_name(message, scope));
  call.prefix = name + "/";
  const std::string label = node_label(name, message);
  if (running(scope.call, function)) return error(Code::InvalidModel, "%s: the function calls itself", label.c_str());
  if (depth >= limits::kDepth)
    return error(Code::InvalidModel, "graphs and function calls are nested deeper than %d levels", limits::kDepth);
  ENGINE_TRY_IN(check_counts(message, function), label);
  ENGINE_TRY_IN(bind_arguments(message, scope, &call), label);

  Scope inner;
  inner.context = scope.context;
  inner.opsets = &function.opsets;
  inner.call = &call;
  inner.is_function = true;
  std::vector<ValueId> inputs, outputs = find_outputs(message, scope);
  ENGINE_TRY(find_inputs(message, name, scope, &inputs));
  inputs.resize(function.inputs.size(), kNoValue);
  for (size_t i = 0; i < function.inputs.size(); ++i)
    if (!inner.names.emplace(function.inputs[i], inputs[i]).second)
      return error(Code::InvalidModel, "%s: the function has two inputs %s", label.c_str(),
                   quoted(function.inputs[i]).c_str());
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i] != kNoValue && !inner.function_outputs.emplace(function.outputs[i], outputs[i]).second)
      return error(Code::InvalidModel, "%s: the function has two outputs %s", label.c_str(),
                   quoted(function.outputs[i]).c_str());
  for (const NodeMessage& node : function.nodes) ENGINE_TRY_IN(declare_outputs(node, inner), label);
  ENGINE_TRY(add_nodes(function.nodes, depth + 1, inner));
  ENGINE_TRY_IN(finish_outputs(function, inner), label);
  return {};
}

// An output that is an input passed through becomes an Identity of it.
Status Builder::finish_outputs(const FunctionMessage& function, Scope& scope) {
  for (Bytes name : function.outputs) {
    auto wanted = scope.function_outputs.find(name);
    if (wanted == scope.function_outputs.end()) continue;
    const ValueId output = wanted->second;
    auto found = scope.names.find(name);
    if (found == scope.names.end() || found->second == kNoValue)
      return error(Code::InvalidModel, "the function never produces its output %s", quoted(name).c_str());
    if (found->second == output) continue;
    ENGINE_TRY(budget_.take_nodes(1));
    Node node;
    node.name = scope.call->prefix + "Identity#" + std::to_string(++made_names_);
    node.op_type = "Identity";
    Result<int> opset = opset_of("", scope);
    node.opset = opset.ok() ? opset.value() : int(limits::kNewestOpset);
    node.inputs = {found->second};
    node.outputs = {output};
    node.attributes = std::make_shared<const Attributes>();
    scope.context->graph->nodes.push_back(std::move(node));
  }
  return {};
}

}  // namespace engine::onnx
