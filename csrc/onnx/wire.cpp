#include "onnx/wire.h"

#include "onnx/limits.h"

namespace engine::onnx {
namespace {

Status cut_off(const char* what) { return error(Code::InvalidModel, "the file is cut off or damaged: %s", what); }

Status count_fixed(const Field& field, WireType scalar, size_t width, int64_t* count) {
  if (field.type == scalar) {
    *count = 1;
    return {};
  }
  if (field.type != WireType::Bytes || field.bytes.size() % width != 0)
    return malformed_field(field, "fixed-width numbers");
  *count = int64_t(field.bytes.size() / width);
  return {};
}

Status read_string(const Field& field, size_t limit, Bytes* out) {
  ENGINE_TRY(read_bytes(field, out));
  if (out->size() > limit)
    return error(Code::InvalidModel, "field %u: a name of %zu bytes, %zu are allowed", field.number, out->size(),
                 limit);
  if (!valid_utf8(*out))
    return error(Code::InvalidModel, "field %u: %s is no UTF-8", field.number, quoted(*out).c_str());
  return {};
}

}  // namespace

Status malformed_field(const Field& field, const char* wanted) {
  return error(Code::InvalidModel, "field %u does not hold %s (wire type %d)", field.number, wanted, int(field.type));
}

bool read_varint(const char** at, const char* end, uint64_t* out) {
  const char* p = *at;
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (p == end) return false;
    uint64_t byte = uint8_t(*p++);
    if (shift == 63 && byte > 1) return false;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *at = p;
      *out = value;
      return true;
    }
  }
  return false;
}

Status WireReader::next(Field* field) {
  uint64_t tag;
  if (!read_varint(&at_, end_, &tag)) return cut_off("a field's tag");
  if (tag >> 32 || tag >> 3 == 0) return cut_off("a field number out of range");
  field->number = uint32_t(tag >> 3);
  field->type = WireType(tag & 7);
  size_t left = size_t(end_ - at_);
  switch (tag & 7) {
    case int(WireType::Varint):
      return read_varint(&at_, end_, &field->scalar) ? Status() : cut_off("an integer");
    case int(WireType::Fixed64):
      if (left < 8) return cut_off("a 64-bit number");
      std::memcpy(&field->scalar, at_, 8);
      at_ += 8;
      return {};
    case int(WireType::Fixed32): {
      if (left < 4) return cut_off("a 32-bit number");
      uint32_t value;
      std::memcpy(&value, at_, 4);
      field->scalar = value;
      at_ += 4;
      return {};
    }
    case int(WireType::Bytes): {
      uint64_t length;
      if (!read_varint(&at_, end_, &length)) return cut_off("a length");
      left = size_t(end_ - at_);
      if (length > left)
        return error(Code::InvalidModel, "the file is cut off or damaged: field %u says %llu bytes, %zu are left",
                     field->number, (unsigned long long)length, left);
      field->bytes = Bytes(at_, size_t(length));
      at_ += length;
      return {};
    }
    default:
      return error(Code::InvalidModel, "field %u has wire type %d, which ONNX does not use", field->number,
                   int(tag & 7));
  }
}

Status read_int64(const Field& field, int64_t* out) {
  if (field.type != WireType::Varint) return malformed_field(field, "an integer");
  *out = int64_t(field.scalar);
  return {};
}

Status read_int32(const Field& field, int32_t* out) {
  if (field.type != WireType::Varint) return malformed_field(field, "an integer");
  *out = int32_t(uint32_t(field.scalar));
  return {};
}

Status read_float(const Field& field, float* out) {
  if (field.type != WireType::Fixed32) return malformed_field(field, "a float");
  *out = std::bit_cast<float>(uint32_t(field.scalar));
  return {};
}

Status read_bytes(const Field& field, Bytes* out) {
  if (field.type != WireType::Bytes) return malformed_field(field, "bytes");
  *out = field.bytes;
  return {};
}

Status read_name(const Field& field, Bytes* out) { return read_string(field, size_t(limits::kNameBytes), out); }
Status read_text(const Field& field, Bytes* out) { return read_string(field, SIZE_MAX, out); }

Status count_varints(const Field& field, int64_t* count) {
  if (field.type == WireType::Varint) {
    *count = 1;
    return {};
  }
  if (field.type != WireType::Bytes) return malformed_field(field, "integers");
  int64_t n = 0;
  for (char c : field.bytes) n += uint8_t(c) < 0x80;
  *count = n;
  return {};
}

Status count_fixed32(const Field& field, int64_t* count) { return count_fixed(field, WireType::Fixed32, 4, count); }
Status count_fixed64(const Field& field, int64_t* count) { return count_fixed(field, WireType::Fixed64, 8, count); }

}  // namespace engine::onnx
