#include "onnx/tensor_data.h"

#include <algorithm>

#include "base/checked.h"

namespace engine::onnx {
namespace {

enum : uint32_t { kFloatData = 4, kInt32Data = 5, kStringData = 6, kInt64Data = 7, kDoubleData = 10, kUint64Data = 11 };

bool sub_byte(DType dtype) { return contains(dtypes::kSubByte, dtype); }
bool six_bits(DType dtype) { return dtype_file_bits(dtype) == 6; }

uint8_t widen(DType dtype, unsigned bits) {
  if (dtype == DType::Int4) return uint8_t(int8_t(bits << 4) >> 4);
  if (dtype == DType::Int2) return uint8_t(int8_t(bits << 6) >> 6);
  return uint8_t(bits);
}

// Elements lie one after the other from the lowest bit on, across bytes.
void unpack(DType dtype, const uint8_t* packed, int64_t elements, uint8_t* out) {
  const int width = dtype_file_bits(dtype);
  const unsigned mask = (1u << width) - 1;
  unsigned held = 0;
  int bits = 0;
  for (int64_t i = 0; i < elements; ++i) {
    if (bits < width) {
      held |= unsigned(*packed++) << bits;
      bits += 8;
    }
    out[i] = widen(dtype, held & mask);
    held >>= width;
    bits -= width;
  }
}

// The writers below stop at the end of the tensor even when the bytes are no longer those that were counted (a mapped
// file).

template <class T, class Convert>
Status fill_varints(Bytes message, uint32_t number, const Tensor& tensor, Convert convert) {
  T *out = tensor.as<T>(), *end = out + tensor.elements();
  WireReader reader(message);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number != number) continue;
    ENGINE_TRY(each_varint(field, [&](uint64_t v) {
      if (out != end) *out++ = convert(v);
    }));
  }
  return {};
}

template <class T>
Status fill_integers(Bytes message, uint32_t number, const Tensor& tensor) {
  return fill_varints<T>(message, number, tensor, [](uint64_t v) { return T(v); });
}

template <class U>
Status fill_fixed(Bytes message, uint32_t number, const Tensor& tensor) {
  char *out = tensor.as<char>(), *end = out + tensor.bytes();
  WireReader reader(message);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number != number) continue;
    ENGINE_TRY(each_fixed<U>(field, [&](U v) {
      if (out == end) return;
      std::memcpy(out, &v, sizeof(U));
      out += sizeof(U);
    }));
  }
  return {};
}

Status fill_strings(Bytes message, const Tensor& tensor) {
  std::string *out = tensor.as<std::string>(), *end = out + tensor.elements();
  WireReader reader(message);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    Bytes text;
    if (field.number != kStringData) continue;
    ENGINE_TRY(read_bytes(field, &text));
    if (out != end) *out++ = std::string(text);
  }
  return {};
}

// int32_data: an entry is a byte of packed elements, or one element of six bits.
Status fill_sub_byte(Bytes message, const Tensor& tensor) {
  const int64_t elements = tensor.elements();
  uint8_t* out = tensor.as<uint8_t>();
  const int per_entry = six_bits(tensor.dtype) ? 1 : 8 / dtype_file_bits(tensor.dtype);
  WireReader reader(message);
  Field field;
  int64_t at = 0;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number != kInt32Data) continue;
    ENGINE_TRY(each_varint(field, [&](uint64_t v) {
      uint8_t byte = uint8_t(v);
      int64_t n = std::min<int64_t>(per_entry, elements - at);
      unpack(tensor.dtype, &byte, n, out + at);
      at += n;
    }));
  }
  return {};
}

}  // namespace

Result<Shape> checked_shape(const int64_t* dims, int64_t rank, DType dtype) {
  int64_t bits = 8 * std::max<int64_t>(dtype_size(dtype), 1);
  for (int64_t i = 0; i < rank; ++i) {
    if (dims[i] < 0) return error(Code::InvalidModel, "dimension %lld is %lld", (long long)i, (long long)dims[i]);
    if (!checked_mul(bits, std::max<int64_t>(dims[i], 1), &bits))
      return error(Code::InvalidModel, "its dimensions are too large");
  }
  return Shape::from(dims, rank);
}

int64_t packed_bytes(DType dtype, int64_t elements) {
  if (!sub_byte(dtype)) return elements * dtype_size(dtype);
  int64_t bits = dtype_file_bits(dtype);
  return elements / 8 * bits + ceil_div(elements % 8 * bits, 8);
}

bool same_in_memory(DType dtype) { return dtype != DType::Bool && dtype != DType::String && !sub_byte(dtype); }

void fill_from_raw(Bytes raw, const Tensor& tensor) {
  if (raw.empty()) return;
  const uint8_t* from = reinterpret_cast<const uint8_t*>(raw.data());
  uint8_t* to = tensor.as<uint8_t>();
  if (tensor.dtype == DType::Bool) {
    for (size_t i = 0; i < raw.size(); ++i) to[i] = from[i] != 0;
  } else if (sub_byte(tensor.dtype)) {
    unpack(tensor.dtype, from, tensor.elements(), to);
  } else {
    std::memcpy(to, from, raw.size());
  }
}

uint32_t typed_field(DType dtype) {
  switch (dtype) {
    case DType::Float:
    case DType::Complex64:
      return kFloatData;
    case DType::Double:
    case DType::Complex128:
      return kDoubleData;
    case DType::Int64:
      return kInt64Data;
    case DType::Uint32:
    case DType::Uint64:
      return kUint64Data;
    case DType::String:
      return kStringData;
    default:
      return kInt32Data;
  }
}

int64_t typed_entries(DType dtype, int64_t elements) {
  if (contains(dtypes::kComplex, dtype)) return elements * 2;
  if (sub_byte(dtype) && !six_bits(dtype)) return ceil_div(elements, 8 / dtype_file_bits(dtype));
  return elements;
}

Status count_entries(const Field& field, int64_t* count) {
  switch (field.number) {
    case kFloatData:
      return count_fixed32(field, count);
    case kDoubleData:
      return count_fixed64(field, count);
    case kStringData: {
      Bytes text;
      *count = 1;
      return read_bytes(field, &text);
    }
    default:
      return count_varints(field, count);
  }
}

Status fill_from_typed(Bytes message, const Tensor& tensor) {
  const uint32_t field = typed_field(tensor.dtype);
  if (field == kFloatData) return fill_fixed<uint32_t>(message, field, tensor);
  if (field == kDoubleData) return fill_fixed<uint64_t>(message, field, tensor);
  if (field == kStringData) return fill_strings(message, tensor);
  if (tensor.dtype == DType::Bool)
    return fill_varints<uint8_t>(message, field, tensor, [](uint64_t v) { return uint8_t(uint32_t(v) != 0); });
  if (sub_byte(tensor.dtype)) return fill_sub_byte(message, tensor);
  switch (dtype_size(tensor.dtype)) {
    case 1:
      return fill_integers<uint8_t>(message, field, tensor);
    case 2:
      return fill_integers<uint16_t>(message, field, tensor);
    case 4:
      return fill_integers<uint32_t>(message, field, tensor);
    default:
      return fill_integers<uint64_t>(message, field, tensor);
  }
}

}  // namespace engine::onnx
