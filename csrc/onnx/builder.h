// messages.h -> Graph: names resolved, functions inlined, bodies closed over what they use, Constant nodes turned into
// constants.
#pragma once

#include "base/memory.h"
#include "onnx/budget.h"
#include "onnx/scope.h"

namespace engine::onnx {

class Builder {
 public:
  // `account` may be null. All must outlive the builder; the graph refers to none of them (but for tensors' buffers).
  // as_inputs: see ReadOptions.
  Builder(const ModelMessage& model, Budget& budget, MemoryAccount* account, const std::vector<std::string>& as_inputs)
      : model_(model), budget_(budget), account_(account), as_inputs_(as_inputs) {}

  Result<Graph> build();
  // After build: see ModelFile.
  std::vector<GraphValue> take_defaults() { return std::move(defaults_); }

 private:
  // build_graph.cpp: the graph of `message`, whose names become those of `scope`. REQUIRES: scope.context->graph is
  // empty.
  Status build_graph(const GraphMessage& message, bool is_body, int depth, Scope& scope);
  Status add_inputs(const GraphMessage& message, Scope& scope);
  Status add_dim_names(const ValueInfoMessage& info, GraphValue& value);
  Status add_initializers(const GraphMessage& message, bool is_body, Scope& scope);
  Status add_default(const InitializerMessage& initializer, const GraphValue& input, bool* stays_input);
  Status check_as_inputs() const;
  Status add_outputs(const GraphMessage& message, bool is_body, Scope& scope);
  Status add_nodes(const std::vector<NodeMessage>& nodes, int depth, Scope& scope);
  Status declare_outputs(const NodeMessage& node, Scope& scope);
  Result<ValueId> declare(Bytes name, const std::string& by, Scope& scope);

  // build_node.cpp
  Status add_node(const NodeMessage& message, int depth, Scope& scope);
  Status find_inputs(const NodeMessage& message, const std::string& label, Scope& scope, std::vector<ValueId>* out);
  std::vector<ValueId> find_outputs(const NodeMessage& message, const Scope& scope) const;
  Status share_captures(Node* node, std::vector<GraphContext>& contexts);
  Result<int> opset_of(Bytes domain, const Scope& scope) const;
  Result<Argument> find_argument(const OpenAttribute& attribute, const Scope& scope) const;
  Status add_attributes(const NodeMessage& message, int depth, Scope& scope, Node* node);
  Status add_bodies(const OpenAttribute& graphs, const std::string& name, const Scope& names, int depth, Scope& scope,
                    Node* node, std::vector<GraphContext>* contexts);
  Result<std::string> node_name(const NodeMessage& message, const Scope& scope);

  // inline_function.cpp
  Status index_functions();
  const FunctionMessage* find_function(const NodeMessage& message) const;
  Status inline_call(const NodeMessage& message, const FunctionMessage& function, int depth, Scope& scope);
  Status bind_arguments(const NodeMessage& message, const Scope& scope, Call* call);
  Status finish_outputs(const FunctionMessage& function, Scope& scope);
  std::string unique_name(const Scope& scope, Bytes name);

  // build_constant.cpp: the tensor of a Constant node.
  Result<std::shared_ptr<const Tensor>> constant_of(const NodeMessage& message, const Scope& scope);
  Result<Tensor> constant_from_attribute(const Attribute& attribute, Bytes name);
  bool is_constant(const NodeMessage& message) const;

  const ModelMessage& model_;
  Budget& budget_;
  MemoryAccount* account_;
  std::unordered_map<std::string, const FunctionMessage*, NameHash, std::equal_to<>> functions_;
  int64_t made_names_ = 0;
  const std::vector<std::string>& as_inputs_;
  std::vector<GraphValue> defaults_;
};

// "node 'conv_3' (Conv)"
std::string node_label(const std::string& name, const NodeMessage& message);

}  // namespace engine::onnx
