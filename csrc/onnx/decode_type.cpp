// TypeProto, TensorShapeProto, ValueInfoProto.
#include "onnx/decoder.h"

namespace engine::onnx {
namespace {

Status decode_dimension(Bytes bytes, int64_t* value, Bytes* symbol) {
  WireReader reader(bytes);
  Field field;
  *value = kUnknownDim;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number == 1) {
      ENGINE_TRY(read_int64(field, value));
      *symbol = Bytes();
    } else if (field.number == 2) {
      ENGINE_TRY(read_name(field, symbol));
      *value = kUnknownDim;
    }
  }
  if (*value < 0) *value = kUnknownDim;
  return {};
}

Status decode_shape(Bytes bytes, ValueInfoMessage* out) {
  WireReader reader(bytes);
  Field field;
  out->type.has_rank = true;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number != 1) continue;
    Bytes dimension, symbol;
    int64_t value;
    ENGINE_TRY(read_bytes(field, &dimension));
    if (out->type.shape.rank() == kMaxRank) {
      out->problem = "it has more dimensions than are supported";
      return {};
    }
    ENGINE_TRY(decode_dimension(dimension, &value, &symbol));
    out->type.shape.push_back(value);
    out->dim_names.emplace_back(symbol);
  }
  return {};
}

Status decode_element_type(const Field& field, DType* dtype, Bytes* problem) {
  int32_t number;
  ENGINE_TRY(read_int32(field, &number));
  *dtype = dtype_from_onnx(number);
  if (*dtype == DType::Undefined && number != 0) *problem = "its element type is unknown";
  return {};
}

Status decode_tensor_type(Bytes bytes, ValueInfoMessage* out) {
  WireReader reader(bytes);
  Field field;
  out->type.kind = TypeKind::Tensor;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number == 1) ENGINE_TRY(decode_element_type(field, &out->type.dtype, &out->problem));
    if (field.number == 2) {
      Bytes shape;
      ENGINE_TRY(read_bytes(field, &shape));
      if (out->type.has_rank) return error(Code::InvalidModel, "a tensor type has two shapes");
      ENGINE_TRY(decode_shape(shape, out));
    }
  }
  return {};
}

// The message of a sequence or optional type; of a map's value, with its key.
Status decode_contained_type(Bytes bytes, uint32_t type_field, int depth, ValueInfoMessage* content, DType* key) {
  WireReader reader(bytes);
  Field field;
  bool seen = false;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (key && field.number == 1) ENGINE_TRY(decode_element_type(field, key, &content->problem));
    if (field.number != type_field) continue;
    Bytes inner;
    ENGINE_TRY(read_bytes(field, &inner));
    if (std::exchange(seen, true)) return error(Code::InvalidModel, "a type has two contents");
    ENGINE_TRY(decode_type(inner, depth + 1, content));
  }
  return {};
}

Status decode_map_type(Bytes bytes, int depth, ValueInfoMessage* out) {
  DType key = DType::Undefined;
  ValueInfoMessage value;
  ENGINE_TRY(decode_contained_type(bytes, 2, depth, &value, &key));
  out->problem = value.problem;
  if (value.type.kind != TypeKind::Tensor) out->problem = "it is a map to something that is no tensor";
  out->type = TypeInfo::map(key, value.type.dtype);
  return {};
}

Status decode_container_type(Bytes bytes, bool sequence, int depth, ValueInfoMessage* out) {
  ValueInfoMessage content;
  ENGINE_TRY(decode_contained_type(bytes, 1, depth, &content, nullptr));
  out->problem = content.problem;
  out->type = sequence ? TypeInfo::sequence(std::move(content.type)) : TypeInfo::optional(std::move(content.type));
  return {};
}

}  // namespace

Status decode_type(Bytes bytes, int depth, ValueInfoMessage* out) {
  if (depth > limits::kTypeDepth)
    return error(Code::InvalidModel, "a type is nested deeper than %d levels", limits::kTypeDepth);
  WireReader reader(bytes);
  Field field;
  bool seen = false;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    bool known = field.number == 1 || field.number == 4 || field.number == 5 || field.number == 7 ||
                 field.number == 8 || field.number == 9;
    if (!known) continue;
    if (std::exchange(seen, true)) return error(Code::InvalidModel, "a type is given twice");
    Bytes inner;
    ENGINE_TRY(read_bytes(field, &inner));
    switch (field.number) {
      case 1:
        ENGINE_TRY(decode_tensor_type(inner, out));
        break;
      case 4:
        ENGINE_TRY(decode_container_type(inner, true, depth, out));
        break;
      case 5:
        ENGINE_TRY(decode_map_type(inner, depth, out));
        break;
      case 9:
        ENGINE_TRY(decode_container_type(inner, false, depth, out));
        break;
      case 8:
        out->problem = "it is a sparse tensor";
        break;
      default:
        out->problem = "it is an opaque type";
        break;
    }
  }
  if (!out->problem.empty()) out->type = TypeInfo();
  return {};
}

Status decode_value_info(Bytes bytes, ValueInfoMessage* out) {
  WireReader reader(bytes);
  Field field;
  bool seen = false;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number == 1) ENGINE_TRY(read_name(field, &out->name));
    if (field.number == 2) {
      Bytes type;
      ENGINE_TRY(read_bytes(field, &type));
      if (std::exchange(seen, true))
        return error(Code::InvalidModel, "value %s has two types", quoted(out->name).c_str());
      ENGINE_TRY_IN(decode_type(type, 0, out), "value " + quoted(out->name));
    }
  }
  return {};
}

}  // namespace engine::onnx
