// What the passes over products share: engine.FusedMatMul nodes and scalar or vector operands around them.
#pragma once

#include <optional>

#include "graph/rewrite.h"

namespace engine {

bool is_node(const Node* node, const char* op_type);
bool is_product(const Node* node);

// The product (index of an engine.FusedMatMul) that makes `v`, used here alone; -1 when there is none.
int product_of(Rewriter& rewriter, ValueId v);

// Input `i` of a node, kNoValue when it is left out.
ValueId input_of(const Node& node, size_t i);

// True when the product has no activation yet.
bool has_no_activation(const Node& product);

// The one element of a float32 constant.
std::optional<float> scalar_constant(const Graph& graph, ValueId v);

// A copy of the node's attributes with `attribute` set.
std::shared_ptr<const Attributes> with_attribute(const Node& node, Attribute attribute);

// A copy of the node's attributes with those of `other` added, their names after `prefix`.
std::shared_ptr<const Attributes> with_prefixed(const Node& node, const char* prefix, const Node& other);

float float_of(const Node& node, const char* name, float fallback);
std::vector<int64_t> ints_of(const Node& node, const char* name);

// The node `product`, changed, takes over the outputs of `last`, which is removed; `product` is removed too.
void replace_product(Rewriter& rewriter, int product, int last, Node changed);

}  // namespace engine
