// The protobuf wire format over bytes that nobody vouches for. Nothing is read outside the span, nothing is allocated,
// nothing recurses: a message is a span, a nested message is a span inside it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/status.h"
#include "onnx/text.h"

namespace engine::onnx {

static_assert(std::endian::native == std::endian::little, "tensors are viewed in the file's byte order");

enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

// One field of a message.
struct Field {
  uint32_t number = 0;
  WireType type = WireType::Varint;
  uint64_t scalar = 0;  // Varint, Fixed64, Fixed32
  Bytes bytes;          // Bytes: inside the message's span
};

// Reads a message field by field, in file order. Groups (long gone from protobuf, never in ONNX) are an error.
class WireReader {
 public:
  explicit WireReader(Bytes message) : at_(message.data()), end_(message.data() + message.size()) {}
  bool done() const { return at_ == end_; }
  // REQUIRES: !done(). InvalidModel when the field is cut off or malformed.
  Status next(Field* field);
  // Reads on through fields like `field`, a scalar of a number below 16 that next() gave, for as long as they follow it: unpacked
  // lists are many. Calls fn(uint64_t) for each. What does not fit is left to next().
  template <class Fn>
  void next_alike(const Field& field, Fn&& fn);

 private:
  const char* at_;
  const char* end_;
};

// Reads the varint at *at; false when it is cut off or longer than 64 bits.
bool read_varint(const char** at, const char* end, uint64_t* out);

template <class Fn>
void WireReader::next_alike(const Field& field, Fn&& fn) {
  if (field.number >= 16 || (field.type != WireType::Varint && field.type != WireType::Fixed32)) return;
  const char tag = char(field.number << 3 | uint32_t(field.type));
  while (at_ != end_ && *at_ == tag) {
    const char* at = at_ + 1;
    uint64_t value = 0;
    if (field.type == WireType::Fixed32) {
      if (end_ - at < 4) return;
      std::memcpy(&value, at, 4);
      at += 4;
    } else if (at != end_ && uint8_t(*at) < 0x80) {
      value = uint8_t(*at++);
    } else if (!read_varint(&at, end_, &value)) {
      return;
    }
    at_ = at;
    fn(value);
  }
}

// The field's value; InvalidModel when its wire type is another. 32-bit values take the low bits, as protobuf does.
Status read_int64(const Field& field, int64_t* out);
Status read_int32(const Field& field, int32_t* out);
Status read_float(const Field& field, float* out);
Status read_bytes(const Field& field, Bytes* out);
// Also InvalidModel when longer than limits::kNameBytes or no UTF-8.
Status read_name(const Field& field, Bytes* out);
// As read_name, of any length.
Status read_text(const Field& field, Bytes* out);

// The number of values that a repeated field holds here: one when unpacked, any number when packed.
Status count_varints(const Field& field, int64_t* count);
Status count_fixed32(const Field& field, int64_t* count);
Status count_fixed64(const Field& field, int64_t* count);

// Calls fn(uint64_t) for each value of a repeated varint field, packed or not.
template <class Fn>
Status each_varint(const Field& field, Fn&& fn);

Status malformed_field(const Field& field, const char* wanted);

template <class Fn>
Status each_varint(const Field& field, Fn&& fn) {
  if (field.type == WireType::Varint) {
    fn(field.scalar);
    return {};
  }
  if (field.type != WireType::Bytes) return malformed_field(field, "integers");
  const char* at = field.bytes.data();
  const char* end = at + field.bytes.size();
  while (at != end) {
    uint64_t value;
    if (!read_varint(&at, end, &value)) return malformed_field(field, "whole integers");
    fn(value);
  }
  return {};
}

// Calls fn(uint32_t or uint64_t) for each value of a repeated fixed-width field, packed or not.
template <class U, class Fn>
Status each_fixed(const Field& field, Fn&& fn) {
  constexpr WireType kScalar = sizeof(U) == 4 ? WireType::Fixed32 : WireType::Fixed64;
  if (field.type == kScalar) {
    fn(U(field.scalar));
    return {};
  }
  if (field.type != WireType::Bytes || field.bytes.size() % sizeof(U) != 0)
    return malformed_field(field, "fixed-width numbers");
  for (size_t i = 0; i < field.bytes.size(); i += sizeof(U)) {
    U value;
    std::memcpy(&value, field.bytes.data() + i, sizeof(U));
    fn(value);
  }
  return {};
}

}  // namespace engine::onnx
