#include "passes/product_node.h"

namespace engine {

bool is_node(const Node* node, const char* op_type) { return node && node->domain.empty() && node->op_type == op_type; }

bool is_product(const Node* node) { return node && node->domain == "engine" && node->op_type == "FusedMatMul"; }

int product_of(Rewriter& rewriter, ValueId v) {
  return v >= 0 && is_product(rewriter.producer_node(v)) && rewriter.single_use(v) ? rewriter.producer(v) : -1;
}

ValueId input_of(const Node& node, size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoValue; }

bool has_no_activation(const Node& product) {
  const Attribute* a = find_attribute(*product.attributes, "activation");
  return !a || a->strings.empty() || a->strings[0].empty();
}

std::optional<float> scalar_constant(const Graph& graph, ValueId v) {
  const Tensor* t = graph.constant(v);
  if (!t || t->dtype != DType::Float || t->elements() != 1) return std::nullopt;
  return t->as<float>()[0];
}

std::shared_ptr<const Attributes> with_attribute(const Node& node, Attribute attribute) {
  Attributes copy = node.attributes ? *node.attributes : Attributes();
  for (Attribute& a : copy)
    if (a.name == attribute.name) {
      a = std::move(attribute);
      return std::make_shared<const Attributes>(std::move(copy));
    }
  copy.push_back(std::move(attribute));
  return std::make_shared<const Attributes>(std::move(copy));
}

std::shared_ptr<const Attributes> with_prefixed(const Node& node, const char* prefix, const Node& other) {
  Attributes both = node.attributes ? *node.attributes : Attributes();
  if (!other.attributes) return std::make_shared<const Attributes>(std::move(both));
  for (Attribute attribute : *other.attributes) {
    attribute.name.insert(0, prefix);
    both.push_back(std::move(attribute));
  }
  return std::make_shared<const Attributes>(std::move(both));
}

float float_of(const Node& node, const char* name, float fallback) {
  const Attribute* a = node.attributes ? find_attribute(*node.attributes, name) : nullptr;
  return a && !a->floats.empty() ? a->floats[0] : fallback;
}

std::vector<int64_t> ints_of(const Node& node, const char* name) {
  const Attribute* a = node.attributes ? find_attribute(*node.attributes, name) : nullptr;
  return a ? a->ints : std::vector<int64_t>();
}

void replace_product(Rewriter& rewriter, int product, int last, Node changed) {
  changed.outputs.clear();
  int index = rewriter.add(std::move(changed));
  rewriter.steal_outputs(last, index);
  rewriter.remove(product);
}

}  // namespace engine
