// Constant nodes.
#include "onnx/builder.h"

namespace engine::onnx {

bool Builder::is_constant(const NodeMessage& message) const {
  return message.op_type == "Constant" && message.domain.empty() && !find_function(message);
}

Result<std::shared_ptr<const Tensor>> Builder::constant_of(const NodeMessage& message, const Scope& scope) {
  if (!message.inputs.empty() || message.outputs.size() != 1)
    return error(Code::InvalidModel, "it has %zu inputs and %zu outputs, not none and one", message.inputs.size(),
                 message.outputs.size());
  const Attribute* given = nullptr;
  std::shared_ptr<const Attributes> owner;
  Bytes name;
  for (const Attribute& attribute : *message.attributes) {
    if (std::exchange(given, &attribute)) return error(Code::InvalidModel, "it has several values");
    owner = message.attributes;
    name = attribute.name;
  }
  for (const OpenAttribute& open : message.open_attributes) {
    ENGINE_ASSIGN(Argument argument, find_argument(open, scope));
    if (argument.graphs) return error(Code::InvalidModel, "its value is a graph");
    if (argument.value && std::exchange(given, argument.value))
      return error(Code::InvalidModel, "it has several values");
    if (argument.value) name = open.name;
  }
  if (!given) return error(Code::InvalidModel, "it has no value");
  bool shared = owner && (name == "value" || name == "sparse_value") && given->tensors.size() == 1;
  if (shared) return std::shared_ptr<const Tensor>(owner, &given->tensors[0]);
  ENGINE_ASSIGN(Tensor tensor, constant_from_attribute(*given, name));
  return std::make_shared<const Tensor>(std::move(tensor));
}

Result<Tensor> Builder::constant_from_attribute(const Attribute& attribute, Bytes name) {
  struct Form {
    const char* name;
    AttributeKind kind;
    DType dtype;
    bool scalar;
  };
  static constexpr Form kForms[] = {
      {"value", AttributeKind::Tensor, DType::Undefined, false},
      {"sparse_value", AttributeKind::SparseTensor, DType::Undefined, false},
      {"value_float", AttributeKind::Float, DType::Float, true},
      {"value_floats", AttributeKind::Floats, DType::Float, false},
      {"value_int", AttributeKind::Int, DType::Int64, true},
      {"value_ints", AttributeKind::Ints, DType::Int64, false},
      {"value_string", AttributeKind::String, DType::String, true},
      {"value_strings", AttributeKind::Strings, DType::String, false},
  };
  for (const Form& form : kForms) {
    if (name != form.name) continue;
    if (attribute.kind != form.kind)
      return error(Code::InvalidModel, "attribute %s is %s, not %s", form.name, kind_name(attribute.kind),
                   kind_name(form.kind));
    if (form.dtype == DType::Undefined) return attribute.tensors[0];
    int64_t count = int64_t(attribute.floats.size() + attribute.ints.size() + attribute.strings.size());
    ENGINE_TRY(budget_.take_bytes(count * dtype_size(form.dtype)));
    ENGINE_ASSIGN(Tensor tensor,
                  make_tensor(form.dtype, form.scalar ? Shape() : Shape{count}, account_, "a constant of the model"));
    for (int64_t i = 0; i < count; ++i) {
      if (form.dtype == DType::Float) tensor.as<float>()[i] = attribute.floats[size_t(i)];
      if (form.dtype == DType::Int64) tensor.as<int64_t>()[i] = attribute.ints[size_t(i)];
      if (form.dtype == DType::String) tensor.as<std::string>()[i] = attribute.strings[size_t(i)];
    }
    return tensor;
  }
  return error(Code::InvalidModel, "attribute %s of a Constant is not known", quoted(name).c_str());
}

}  // namespace engine::onnx
