// ModelProto.
#include "onnx/decoder.h"

namespace engine::onnx {
namespace {

Status read_metadata(const Field& field, std::vector<std::pair<Bytes, Bytes>>* out) {
  Bytes message, key, value;
  ENGINE_TRY(read_bytes(field, &message));
  WireReader reader(message);
  Field part;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&part));
    if (part.number == 1) ENGINE_TRY(read_name(part, &key));
    if (part.number == 2) ENGINE_TRY(read_text(part, &value));
  }
  if (int64_t(out->size()) >= limits::kMetadataEntries)
    return error(Code::InvalidModel, "more than %lld metadata entries", (long long)limits::kMetadataEntries);
  out->emplace_back(key, value);
  return {};
}

Status check_versions(const ModelMessage& model) {
  if (model.ir_version == 0) return error(Code::InvalidModel, "this is no ONNX model: it has no IR version");
  if (model.ir_version < limits::kOldestIr)
    return error(Code::InvalidModel, "IR version %lld; %lld is the oldest that is read", (long long)model.ir_version,
                 (long long)limits::kOldestIr);
  if (model.ir_version > limits::kNewestIr)
    return error(Code::UnsupportedOperator, "IR version %lld; %lld is the newest that is known",
                 (long long)model.ir_version, (long long)limits::kNewestIr);
  return {};
}

}  // namespace

Status Decoder::decode_opset(const Field& import, Opsets* out) {
  Bytes bytes;
  ENGINE_TRY(read_bytes(import, &bytes));
  ENGINE_TRY(budget_.take_bytes(128));
  WireReader reader(bytes);
  Field field;
  Bytes domain;
  int64_t version = 0;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number == 1) ENGINE_TRY(read_name(field, &domain));
    if (field.number == 2) ENGINE_TRY(read_int64(field, &version));
  }
  domain = normal_domain(domain);
  if (version < 0 || version > INT32_MAX)
    return error(Code::InvalidModel, "the opset version of domain %s is %lld", quoted(domain).c_str(),
                 (long long)version);
  if (domain.empty() && version > limits::kNewestOpset)
    return error(Code::UnsupportedOperator, "the model uses ONNX opset %lld; %lld is the newest that is known",
                 (long long)version, (long long)limits::kNewestOpset);
  if (int64_t(out->size()) >= limits::kOpsetImports)
    return error(Code::InvalidModel, "more than %lld opset imports", (long long)limits::kOpsetImports);
  auto [at, added] = out->emplace(std::string(domain), int(version));
  if (!added && at->second != int(version))
    return error(Code::InvalidModel, "domain %s is imported in two versions, %d and %lld", quoted(domain).c_str(),
                 at->second, (long long)version);
  return {};
}

Status Decoder::decode_model(Bytes bytes, ModelMessage* out) {
  WireReader reader(bytes);
  Field field;
  Bytes message, graph;
  bool has_graph = false;
  std::vector<Bytes> functions;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    switch (field.number) {
      case 1:
        ENGINE_TRY(read_int64(field, &out->ir_version));
        break;
      case 2:
        ENGINE_TRY(read_text(field, &out->producer_name));
        break;
      case 3:
        ENGINE_TRY(read_text(field, &out->producer_version));
        break;
      case 4:
        ENGINE_TRY(read_text(field, &out->domain));
        break;
      case 5:
        ENGINE_TRY(read_int64(field, &out->model_version));
        break;
      case 6:
        ENGINE_TRY(read_text(field, &out->doc_string));
        break;
      case 7:
        ENGINE_TRY(read_bytes(field, &graph));
        if (std::exchange(has_graph, true)) return error(Code::InvalidModel, "the model has two graphs");
        break;
      case 8:
        ENGINE_TRY(decode_opset(field, &out->opsets));
        break;
      case 14:
        ENGINE_TRY(read_metadata(field, &out->metadata));
        break;
      case 25:
        ENGINE_TRY(read_bytes(field, &message));
        functions.push_back(message);
        if (int64_t(functions.size()) > limits::kFunctions)
          return error(Code::InvalidModel, "more than %lld functions", (long long)limits::kFunctions);
        break;
      default:
        break;
    }
  }
  ENGINE_TRY(check_versions(*out));
  if (!has_graph) return error(Code::InvalidModel, "the model has no graph");
  ENGINE_TRY(decode_graph(graph, 0, &out->graph));
  for (Bytes function : functions) {
    out->functions.emplace_back();
    ENGINE_TRY_IN(decode_function(function, &out->functions.back()), "function " + quoted(out->functions.back().name));
  }
  return {};
}

}  // namespace engine::onnx
