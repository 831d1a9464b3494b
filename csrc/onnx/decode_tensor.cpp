// TensorProto.
#include "base/checked.h"
#include "base/file_buffer.h"
#include "onnx/decoder.h"
#include "onnx/tensor_data.h"

namespace engine::onnx {
namespace {

enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kName = 8,
  kRawData = 9,
  kExternalData = 13,
  kDataLocation = 14
};

constexpr int64_t kUnalignedFrom = int64_t(64) << 10;  // of a view that is not aligned; what is smaller is copied

bool is_typed_field(uint32_t number) { return (number >= 4 && number <= 7) || number == 10 || number == 11; }

// A TensorProto but for the elements.
struct Header {
  Bytes name, raw;
  int64_t dims[kMaxRank];
  int64_t rank = 0;
  int32_t data_type = 0, location = 0;
  bool has_raw = false, has_segment = false;
  uint32_t typed = 0;   // the typed field that holds elements; 0: none
  int64_t entries = 0;  // in all its occurrences
  Bytes packed;         // its only occurrence, when packed
  int occurrences = 0;
  ExternalLocation external;
};

Status read_dims(const Field& field, Header* header) {
  Status status = each_varint(field, [&](uint64_t v) {
    if (header->rank < kMaxRank) header->dims[header->rank] = int64_t(v);
    ++header->rank;
  });
  ENGINE_TRY(std::move(status));
  if (header->rank > kMaxRank)
    return error(Code::InvalidModel, "it has more than the %d dimensions that are supported", kMaxRank);
  return {};
}

Status read_external_entry(const Field& field, ExternalLocation* out) {
  Bytes entry, key, value;
  ENGINE_TRY(read_bytes(field, &entry));
  WireReader reader(entry);
  Field part;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&part));
    if (part.number == 1) ENGINE_TRY(read_bytes(part, &key));
    if (part.number == 2) ENGINE_TRY(read_bytes(part, &value));
  }
  if (key == "location") out->location = value;
  if (key == "offset") out->offset = value;
  if (key == "length") out->length = value;
  return {};
}

Status read_typed(const Field& field, Header* header) {
  int64_t count;
  ENGINE_TRY(count_entries(field, &count));
  if (count == 0) return {};
  if (header->typed != 0 && header->typed != field.number)
    return error(Code::InvalidModel, "it holds elements in two fields");
  header->typed = field.number;
  header->entries += count;
  header->packed = ++header->occurrences == 1 && field.type == WireType::Bytes ? field.bytes : Bytes();
  return {};
}

Status read_header(Bytes bytes, Header* header) {
  WireReader reader(bytes);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    switch (field.number) {
      case kDims:
        ENGINE_TRY(read_dims(field, header));
        break;
      case kDataType:
        ENGINE_TRY(read_int32(field, &header->data_type));
        break;
      case kSegment:
        header->has_segment = true;
        break;
      case kName:
        ENGINE_TRY(read_name(field, &header->name));
        break;
      case kRawData:
        ENGINE_TRY(read_bytes(field, &header->raw));
        header->has_raw = true;
        break;
      case kExternalData:
        ENGINE_TRY(read_external_entry(field, &header->external));
        break;
      case kDataLocation:
        ENGINE_TRY(read_int32(field, &header->location));
        break;
      default:
        if (is_typed_field(field.number)) ENGINE_TRY(read_typed(field, header));
    }
  }
  return {};
}

Status wrong_size(const char* where, int64_t found, const char* unit, DType dtype, const Shape& shape, int64_t wanted) {
  return error(Code::InvalidModel, "%s has %lld %s, %s%s needs %lld", where, (long long)found, unit, dtype_name(dtype),
               shape.text().c_str(), (long long)wanted);
}

Result<DType> checked_dtype(int32_t number) {
  if (number == 0) return error(Code::InvalidModel, "it has no element type");
  DType dtype = dtype_from_onnx(number);
  if (dtype == DType::Undefined) return error(Code::UnsupportedOperator, "element type %d is not known", number);
  return dtype;
}

Buffer* payload_of(Bytes data, const Source& source) {
  return source.payloads ? source.payloads->find(data.data() - source.buffer->data(), int64_t(data.size())) : nullptr;
}

}  // namespace

Result<Tensor> Decoder::new_tensor(DType dtype, const Shape& shape) {
  ENGINE_ASSIGN(int64_t bytes, checked_bytes(shape, dtype_size(dtype)));
  ENGINE_TRY(budget_.take_bytes(bytes));
  return make_tensor(dtype, shape, account_, "a constant of the model");
}

Result<Tensor> Decoder::tensor_from_bytes(DType dtype, const Shape& shape, Bytes data, const Source& source) {
  if (Buffer* payload = payload_of(data, source)) {
    if (same_in_memory(dtype)) return tensor_of_payload(dtype, shape, payload);
    data = Bytes(payload->data(), size_t(payload->size()));
  }
  bool aligned = reinterpret_cast<uintptr_t>(data.data()) % size_t(dtype_size(dtype)) == 0;
  bool viewed = aligned ? !data.empty() : dtype == DType::Float && int64_t(data.size()) >= kUnalignedFrom;
  if (source.share && viewed && same_in_memory(dtype)) {
    if (!aligned) ENGINE_TRY(budget_.take_bytes(int64_t(data.size())));  // it may have to be copied yet
    Tensor view;
    view.dtype = dtype;
    view.shape = shape;
    view.data = const_cast<char*>(data.data());
    view.buffer = source.buffer;
    return view;
  }
  ENGINE_ASSIGN(Tensor tensor, new_tensor(dtype, shape));
  fill_from_raw(data, tensor);
  drop_file_pages(source.buffer.get(), data.data(), int64_t(data.size()));
  return tensor;
}

Result<Tensor> Decoder::tensor_of_payload(DType dtype, const Shape& shape, Buffer* payload) {
  ENGINE_TRY(budget_.take_bytes(payload->size()));
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.shape = shape;
  tensor.data = payload->data();
  ENGINE_ASSIGN(tensor.buffer, Buffer::charged_view(payload->data(), payload->size(), RefPtr<RefCounted>(payload), account_,
                                                    "a constant of the model"));
  return tensor;
}

Result<Tensor> Decoder::external_tensor(DType dtype, const Shape& shape, const ExternalLocation& location) {
  const ExternalFile* file;
  Bytes data;
  int64_t known = external_.total_bytes();
  ENGINE_TRY(external_.find(location, packed_bytes(dtype, shape.elements()), &file, &data));
  budget_.add_external_file(external_.total_bytes() - known);
  return tensor_from_bytes(dtype, shape, data, Source{file->bytes, file->mapped && share_external_});
}

Result<Tensor> Decoder::decode_tensor(Bytes bytes, Bytes* name) {
  Header header;
  ENGINE_TRY(read_header(bytes, &header));
  *name = header.name;
  ENGINE_ASSIGN(DType dtype, checked_dtype(header.data_type));
  ENGINE_ASSIGN(Shape shape, checked_shape(header.dims, header.rank, dtype));
  if (header.has_segment) return error(Code::UnsupportedOperator, "it is a segment of a larger tensor");
  const int64_t elements = shape.elements(), raw_bytes = packed_bytes(dtype, elements);
  const bool raw = header.has_raw && !header.raw.empty();
  if (dtype == DType::String && (raw || header.location == 1))
    return error(Code::InvalidModel, "strings must be in string_data");

  if (header.location == 1) {
    if (raw || header.typed) return error(Code::InvalidModel, "it holds elements and is said to be external");
    return external_tensor(dtype, shape, header.external);
  }
  if (header.location != 0)
    return error(Code::InvalidModel, "its data location is %d; 0 and 1 are known", header.location);

  if (raw || (header.has_raw && !header.typed)) {
    if (header.typed) return error(Code::InvalidModel, "it holds elements in raw_data and in a typed field");
    if (int64_t(header.raw.size()) != raw_bytes)
      return wrong_size("raw_data", int64_t(header.raw.size()), "bytes", dtype, shape, raw_bytes);
    return tensor_from_bytes(dtype, shape, header.raw, source_);
  }
  if (header.typed && header.typed != typed_field(dtype))
    return error(Code::InvalidModel, "its elements are in field %u, those of %s belong in field %u", header.typed,
                 dtype_name(dtype), typed_field(dtype));
  const int64_t entries = typed_entries(dtype, elements);
  if (header.entries != entries) return wrong_size("the typed field", header.entries, "entries", dtype, shape, entries);
  if (int64_t(header.packed.size()) == raw_bytes &&
      contains(dtype_set(DType::Float, DType::Double) | dtypes::kComplex, dtype))
    return tensor_from_bytes(dtype, shape, header.packed, source_);
  ENGINE_ASSIGN(Tensor tensor, new_tensor(dtype, shape));
  ENGINE_TRY(fill_from_typed(bytes, tensor));
  return tensor;
}

}  // namespace engine::onnx
