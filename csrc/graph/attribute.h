// A node's attributes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/type_info.h"
#include "tensor/tensor.h"

namespace engine {

// ONNX's AttributeProto.AttributeType. Graphs are kept in Node::bodies.
enum class AttributeKind : uint8_t {
  Undefined = 0, Float = 1, Int = 2, String = 3, Tensor = 4, Graph = 5, Floats = 6, Ints = 7, Strings = 8,
  Tensors = 9, Graphs = 10, SparseTensor = 11, SparseTensors = 12, Type = 13, Types = 14,
};

struct Attribute {
  std::string name;
  AttributeKind kind = AttributeKind::Undefined;
  std::vector<int64_t> ints;           // Int (one), Ints
  std::vector<float> floats;           // Float (one), Floats
  std::vector<std::string> strings;    // String (one), Strings
  std::vector<Tensor> tensors;         // Tensor (one), Tensors; sparse tensors are made dense by the reader
  std::vector<TypeInfo> types;         // Type (one), Types
};

using Attributes = std::vector<Attribute>;

Attribute int_attribute(std::string name, int64_t value);
Attribute ints_attribute(std::string name, std::vector<int64_t> values);
Attribute float_attribute(std::string name, float value);
Attribute string_attribute(std::string name, std::string value);

// The attribute of that name, or null.
const Attribute* find_attribute(const Attributes& attributes, const char* name);

}  // namespace engine
