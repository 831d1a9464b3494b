// GraphProto, NodeProto, FunctionProto.
#include <algorithm>

#include "onnx/decoder.h"

namespace engine::onnx {
namespace {

std::string node_context(const NodeMessage& node, size_t index) {
  std::string name = node.name.empty() ? "number " + std::to_string(index) : quoted(node.name);
  return "node " + name + " (" + shown(node.op_type) + ")";
}

Status check_distinct(const Attributes& attributes, const std::vector<OpenAttribute>& open) {
  std::vector<Bytes> names;
  for (const Attribute& attribute : attributes) names.push_back(attribute.name);
  for (const OpenAttribute& attribute : open) names.push_back(attribute.name);
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return {};
  return error(Code::InvalidModel, "attribute %s is given twice", quoted(*twice).c_str());
}

}  // namespace

Status Decoder::add_name(const Field& field, std::vector<Bytes>* out) {
  Bytes name;
  ENGINE_TRY(read_name(field, &name));
  ENGINE_TRY(budget_.take_values(1));
  out->push_back(name);
  return {};
}

Status Decoder::add_value_info(const Field& field, std::vector<ValueInfoMessage>* out) {
  Bytes message;
  ENGINE_TRY(read_bytes(field, &message));
  ENGINE_TRY(budget_.take_values(1));
  ENGINE_TRY(budget_.take_bytes(sizeof(ValueInfoMessage)));
  out->emplace_back();
  return decode_value_info(message, &out->back());
}

Status Decoder::add_node(const Field& field, int depth, std::vector<NodeMessage>* out) {
  Bytes message;
  ENGINE_TRY(read_bytes(field, &message));
  ENGINE_TRY(budget_.take_nodes(1));
  out->emplace_back();
  ENGINE_TRY_IN(decode_node(message, depth, &out->back()), node_context(out->back(), out->size() - 1));
  return {};
}

Status Decoder::decode_node(Bytes bytes, int depth, NodeMessage* out) {
  WireReader reader(bytes);
  Field field;
  Attributes attributes;
  int64_t attribute_count = 0;
  // Names first, so that messages about attributes can say whose they are.
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    switch (field.number) {
      case 1:
        ENGINE_TRY(add_name(field, &out->inputs));
        break;
      case 2:
        ENGINE_TRY(add_name(field, &out->outputs));
        break;
      case 3:
        ENGINE_TRY(read_name(field, &out->name));
        break;
      case 4:
        ENGINE_TRY(read_name(field, &out->op_type));
        break;
      case 5:
        ++attribute_count;
        break;
      case 7:
        ENGINE_TRY(read_name(field, &out->domain));
        break;
      case 8:
        ENGINE_TRY(read_name(field, &out->overload));
        break;
      default:
        break;
    }
  }
  out->domain = normal_domain(out->domain);
  if (out->op_type.empty()) return error(Code::InvalidModel, "it names no operator");
  if (attribute_count > limits::kAttributes)
    return error(Code::InvalidModel, "it has %lld attributes, %lld are allowed", (long long)attribute_count,
                 (long long)limits::kAttributes);
  ENGINE_TRY(budget_.take_bytes(attribute_count * int64_t(sizeof(Attribute) + sizeof(OpenAttribute))));

  reader = WireReader(bytes);
  while (attribute_count > 0 && !reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number != 5) continue;
    Bytes message;
    ENGINE_TRY(read_bytes(field, &message));
    ENGINE_TRY(decode_attribute(message, depth, &attributes, &out->open_attributes));
  }
  ENGINE_TRY(check_distinct(attributes, out->open_attributes));
  static const auto kNone = std::make_shared<const Attributes>();
  out->attributes = attributes.empty() ? kNone : std::make_shared<const Attributes>(std::move(attributes));
  return {};
}

Status Decoder::decode_initializer(const Field& field, bool sparse, GraphMessage* out) {
  Bytes bytes, name;
  ENGINE_TRY(read_bytes(field, &bytes));
  ENGINE_TRY(budget_.take_values(1));
  ENGINE_TRY(budget_.take_bytes(sizeof(Tensor)));
  Result<Tensor> tensor = sparse ? decode_sparse_tensor(bytes, &name) : decode_tensor(bytes, &name);
  if (!tensor.ok()) return std::move(tensor).status().with_context("initializer " + quoted(name));
  if (name.empty()) return error(Code::InvalidModel, "an initializer has no name");
  out->initializers.push_back({name, std::make_shared<const Tensor>(tensor.take())});
  return {};
}

Status Decoder::decode_graph(Bytes bytes, int depth, GraphMessage* out) {
  if (depth > limits::kDepth)
    return error(Code::InvalidModel, "graphs are nested deeper than %d levels", limits::kDepth);
  WireReader reader(bytes);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    switch (field.number) {
      case 1:
        ENGINE_TRY(add_node(field, depth, &out->nodes));
        break;
      case 2:
        ENGINE_TRY(read_name(field, &out->name));
        break;
      case 5:
        ENGINE_TRY(decode_initializer(field, false, out));
        break;
      case 10:
        ENGINE_TRY(read_text(field, &out->doc_string));
        break;
      case 15:
        ENGINE_TRY(decode_initializer(field, true, out));
        break;
      case 11:
        ENGINE_TRY_IN(add_value_info(field, &out->inputs), "graph input");
        break;
      case 12:
        ENGINE_TRY_IN(add_value_info(field, &out->outputs), "graph output");
        break;
      case 13:
        ENGINE_TRY_IN(add_value_info(field, &out->hints), "value_info");
        break;
      default:
        break;
    }
  }
  return {};
}

Status Decoder::decode_function(Bytes bytes, FunctionMessage* out) {
  WireReader reader(bytes);
  Field field;
  Bytes message;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    switch (field.number) {
      case 1:
        ENGINE_TRY(read_name(field, &out->name));
        break;
      case 4:
        ENGINE_TRY(add_name(field, &out->inputs));
        break;
      case 5:
        ENGINE_TRY(add_name(field, &out->outputs));
        break;
      case 6:
        ENGINE_TRY(add_name(field, &out->attributes));
        break;
      case 7:
        ENGINE_TRY(add_node(field, 0, &out->nodes));
        break;
      case 9:
        ENGINE_TRY(decode_opset(field, &out->opsets));
        break;
      case 10:
        ENGINE_TRY(read_name(field, &out->domain));
        break;
      case 11:
        ENGINE_TRY(read_bytes(field, &message));
        ENGINE_TRY(budget_.take_bytes(sizeof(Attribute) + sizeof(OpenAttribute)));
        ENGINE_TRY(decode_attribute(message, 0, &out->defaults, &out->graph_defaults));
        break;
      case 13:
        ENGINE_TRY(read_name(field, &out->overload));
        break;
      default:
        break;
    }
  }
  out->domain = normal_domain(out->domain);
  if (out->name.empty()) return error(Code::InvalidModel, "a function has no name");
  return {};
}

}  // namespace engine::onnx
