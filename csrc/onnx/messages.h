// A model file decoded: ONNX's messages with their tensors and attributes in memory, names still views of the file's
// bytes. Immutable once decoded, so that a function's body serves every call of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/attribute.h"
#include "onnx/text.h"

namespace engine::onnx {

// Domain ("" is ai.onnx) -> version.
using Opsets = std::map<std::string, int, std::less<>>;

struct GraphMessage;

// An attribute that is more than a value: a reference to an attribute of the function around it, or graphs.
struct OpenAttribute {
  std::string name;
  AttributeKind kind = AttributeKind::Undefined;
  Bytes ref;                                                // the function's attribute; empty: none
  std::vector<std::shared_ptr<const GraphMessage>> graphs;  // kinds Graph, Graphs
};

struct NodeMessage {
  Bytes name, op_type, domain, overload;
  std::vector<Bytes> inputs, outputs;
  std::shared_ptr<const Attributes> attributes;  // never null
  std::vector<OpenAttribute> open_attributes;
};

struct ValueInfoMessage {
  Bytes name;
  TypeInfo type;                       // Unknown when absent
  std::vector<std::string> dim_names;  // a tensor's symbols, as GraphValue::dim_names; empty when there are none
  Bytes problem;                       // says why the type cannot be represented; empty: it can
};

struct InitializerMessage {
  Bytes name;
  std::shared_ptr<const Tensor> tensor;
};

struct GraphMessage {
  Bytes name, doc_string;
  std::vector<NodeMessage> nodes;
  std::vector<InitializerMessage> initializers;          // sparse ones made dense
  std::vector<ValueInfoMessage> inputs, outputs, hints;  // hints: value_info
};

struct FunctionMessage {
  Bytes name, domain, overload;
  std::vector<Bytes> inputs, outputs, attributes;  // attributes: those without a default
  Attributes defaults;
  std::vector<OpenAttribute> graph_defaults;
  std::vector<NodeMessage> nodes;
  Opsets opsets;
};

struct ModelMessage {
  int64_t ir_version = 0, model_version = 0;
  Bytes producer_name, producer_version, domain, doc_string;
  Opsets opsets;
  std::vector<std::pair<Bytes, Bytes>> metadata;
  GraphMessage graph;
  std::vector<FunctionMessage> functions;
};

// "FLOATS", as ONNX writes it. REQUIRES: one of the enumerators.
const char* kind_name(AttributeKind kind);

// "ai.onnx" is "".
inline Bytes normal_domain(Bytes domain) { return domain == "ai.onnx" ? Bytes() : domain; }

}  // namespace engine::onnx
