// AttributeProto.
#include "onnx/decoder.h"

namespace engine::onnx {
namespace {

enum : uint32_t {
  kName = 1,
  kFloat = 2,
  kInt = 3,
  kString = 4,
  kTensor = 5,
  kGraph = 6,
  kFloats = 7,
  kInts = 8,
  kStrings = 9,
  kTensors = 10,
  kGraphs = 11,
  kType = 14,
  kTypes = 15,
  kKind = 20,
  kRef = 21,
  kSparse = 22,
  kSparses = 23,
};

// The kind whose value a field holds; Undefined for fields that hold none.
AttributeKind kind_of_field(uint32_t number) {
  switch (number) {
    case kFloat:
      return AttributeKind::Float;
    case kInt:
      return AttributeKind::Int;
    case kString:
      return AttributeKind::String;
    case kTensor:
      return AttributeKind::Tensor;
    case kGraph:
      return AttributeKind::Graph;
    case kFloats:
      return AttributeKind::Floats;
    case kInts:
      return AttributeKind::Ints;
    case kStrings:
      return AttributeKind::Strings;
    case kTensors:
      return AttributeKind::Tensors;
    case kGraphs:
      return AttributeKind::Graphs;
    case kType:
      return AttributeKind::Type;
    case kTypes:
      return AttributeKind::Types;
    case kSparse:
      return AttributeKind::SparseTensor;
    case kSparses:
      return AttributeKind::SparseTensors;
    default:
      return AttributeKind::Undefined;
  }
}

// Everything but the values: what they are for, how many, and whether the file contradicts itself.
struct Header {
  Bytes name, ref;
  AttributeKind kind = AttributeKind::Undefined;
  int64_t counts[15] = {};  // values seen, by kind
};

Status count_values(const Field& field, AttributeKind kind, int64_t* count) {
  switch (kind) {
    case AttributeKind::Floats:
      return count_fixed32(field, count);
    case AttributeKind::Ints:
      return count_varints(field, count);
    default:
      *count = 1;
      return {};
  }
}

bool is_list(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::Floats:
    case AttributeKind::Ints:
    case AttributeKind::Strings:
    case AttributeKind::Tensors:
    case AttributeKind::Graphs:
    case AttributeKind::SparseTensors:
    case AttributeKind::Types:
      return true;
    default:
      return false;
  }
}

Status read_header(Bytes bytes, Header* header) {
  WireReader reader(bytes);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number == kName) ENGINE_TRY(read_name(field, &header->name));
    if (field.number == kRef) ENGINE_TRY(read_name(field, &header->ref));
    if (field.number == kKind) {
      int32_t number;
      ENGINE_TRY(read_int32(field, &number));
      if (number < 0 || number > int(AttributeKind::Types))
        return error(Code::InvalidModel, "kind %d of attribute is not known", number);
      header->kind = AttributeKind(number);
    }
    if (AttributeKind kind = kind_of_field(field.number); kind != AttributeKind::Undefined) {
      int64_t count;
      ENGINE_TRY(count_values(field, kind, &count));
      header->counts[int(kind)] += count;
      if (is_list(kind)) reader.next_alike(field, [&](uint64_t) { ++header->counts[int(kind)]; });
    }
  }
  return {};
}

// Writers of the first format versions leave the kind out; later ones leave out a zero, an empty text or an empty list.
Status settle_kind(Header* header) {
  for (int kind = 1; kind < 15; ++kind) {
    if (header->counts[kind] == 0) continue;
    if (header->kind == AttributeKind::Undefined) header->kind = AttributeKind(kind);
    if (int(header->kind) != kind)
      return error(Code::InvalidModel, "it holds %s and is said to be %s", kind_name(AttributeKind(kind)),
                   kind_name(header->kind));
    if (!is_list(header->kind) && header->kind != AttributeKind::Float && header->kind != AttributeKind::Int &&
        header->kind != AttributeKind::String && header->counts[kind] > 1)
      return error(Code::InvalidModel, "it holds several values and is said to hold one");
  }
  if (header->kind == AttributeKind::Undefined) return error(Code::InvalidModel, "it has neither kind nor value");
  bool zero_can_be_left_out = header->kind == AttributeKind::Float || header->kind == AttributeKind::Int ||
                              header->kind == AttributeKind::String;
  if (!is_list(header->kind) && !zero_can_be_left_out && header->counts[int(header->kind)] == 0)
    return error(Code::InvalidModel, "it has no value");
  return {};
}

int64_t memory_of(const Header& header) {
  switch (header.kind) {
    case AttributeKind::Floats:
      return header.counts[int(header.kind)] * int64_t(sizeof(float));
    case AttributeKind::Ints:
      return header.counts[int(header.kind)] * int64_t(sizeof(int64_t));
    case AttributeKind::Strings:
      return header.counts[int(header.kind)] * int64_t(sizeof(std::string));
    case AttributeKind::Tensors:
    case AttributeKind::SparseTensors:
      return header.counts[int(header.kind)] * int64_t(sizeof(Tensor));
    case AttributeKind::Types:
      return header.counts[int(header.kind)] * int64_t(sizeof(TypeInfo));
    case AttributeKind::Graphs:
      return header.counts[int(header.kind)] * int64_t(sizeof(GraphMessage));
    default:
      return 0;
  }
}

Status read_type(const Field& field, Attribute* out) {
  Bytes message;
  ValueInfoMessage info;
  ENGINE_TRY(read_bytes(field, &message));
  ENGINE_TRY(decode_type(message, 0, &info));
  if (!info.problem.empty())
    return error(Code::UnsupportedOperator, "its type is not supported: %s", std::string(info.problem).c_str());
  out->types.push_back(std::move(info.type));
  return {};
}

void add_left_out_zero(Attribute* value) {
  if (value->kind == AttributeKind::Float && value->floats.empty()) value->floats = {0.0f};
  if (value->kind == AttributeKind::Int && value->ints.empty()) value->ints = {0};
  if (value->kind == AttributeKind::String && value->strings.empty()) value->strings.emplace_back();
}

}  // namespace

const char* kind_name(AttributeKind kind) {
  static constexpr const char* kNames[] = {
      "UNDEFINED", "FLOAT",   "INT",    "STRING",        "TENSOR",         "GRAPH",      "FLOATS",     "INTS",
      "STRINGS",   "TENSORS", "GRAPHS", "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"};
  return kNames[int(kind)];
}

// Of a single value that is given several times the last one counts, as protobuf says.
Status Decoder::add_attribute_value(const Field& field, int depth, Attribute* value, OpenAttribute* graphs) {
  Bytes message, unused;
  float number;
  int64_t integer;
  switch (field.number) {
    case kFloat:
      ENGINE_TRY(read_float(field, &number));
      value->floats = {number};
      return {};
    case kInt:
      ENGINE_TRY(read_int64(field, &integer));
      value->ints = {integer};
      return {};
    case kFloats:
      return each_fixed<uint32_t>(field, [&](uint32_t v) { value->floats.push_back(std::bit_cast<float>(v)); });
    case kInts:
      return each_varint(field, [&](uint64_t v) { value->ints.push_back(int64_t(v)); });
    case kType:
    case kTypes:
      return read_type(field, value);
    default:
      break;
  }
  ENGINE_TRY(read_bytes(field, &message));
  if (field.number == kString) {
    value->strings = {std::string(message)};
  } else if (field.number == kStrings) {
    value->strings.emplace_back(message);
  } else if (field.number == kGraph || field.number == kGraphs) {
    auto graph = std::make_shared<GraphMessage>();
    ENGINE_TRY(decode_graph(message, depth + 1, graph.get()));
    graphs->graphs.push_back(std::move(graph));
  } else {
    bool sparse = field.number == kSparse || field.number == kSparses;
    ENGINE_ASSIGN(Tensor tensor, sparse ? decode_sparse_tensor(message, &unused) : decode_tensor(message, &unused));
    value->tensors.push_back(std::move(tensor));
  }
  return {};
}

Status Decoder::decode_attribute(Bytes bytes, int depth, Attributes* values, std::vector<OpenAttribute>* open) {
  Header header;
  ENGINE_TRY(read_header(bytes, &header));
  if (header.name.empty()) return error(Code::InvalidModel, "an attribute has no name");
  const std::string context = "attribute " + quoted(header.name);
  OpenAttribute graphs{std::string(header.name), header.kind, header.ref, {}};
  if (!header.ref.empty()) {
    for (int64_t count : header.counts)
      if (count) return error(Code::InvalidModel, "%s is a reference and has a value", context.c_str());
    open->push_back(std::move(graphs));
    return {};
  }
  ENGINE_TRY_IN(settle_kind(&header), context);
  ENGINE_TRY_IN(budget_.take_bytes(memory_of(header)), context);

  Attribute value;
  value.name = graphs.name;
  value.kind = graphs.kind = header.kind;
  if (header.kind == AttributeKind::Floats) value.floats.reserve(size_t(header.counts[int(header.kind)]));
  if (header.kind == AttributeKind::Strings) value.strings.reserve(size_t(header.counts[int(header.kind)]));
  if (header.kind == AttributeKind::Ints) value.ints.reserve(size_t(header.counts[int(header.kind)]));
  WireReader reader(bytes);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (kind_of_field(field.number) != header.kind) continue;
    ENGINE_TRY_IN(add_attribute_value(field, depth, &value, &graphs), context);
    if (header.kind == AttributeKind::Ints) reader.next_alike(field, [&](uint64_t v) { value.ints.push_back(int64_t(v)); });
    if (header.kind == AttributeKind::Floats)
      reader.next_alike(field, [&](uint64_t v) { value.floats.push_back(std::bit_cast<float>(uint32_t(v))); });
  }
  add_left_out_zero(&value);
  bool holds_graphs = header.kind == AttributeKind::Graph || header.kind == AttributeKind::Graphs;
  if (holds_graphs)
    open->push_back(std::move(graphs));
  else
    values->push_back(std::move(value));
  return {};
}

}  // namespace engine::onnx
