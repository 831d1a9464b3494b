#include "onnx/reader.h"

#include "onnx/builder.h"
#include "onnx/decoder.h"
#include "onnx/sha256.h"

namespace engine {
namespace {

using namespace onnx;

Status check_digest(const std::string& found, const std::string& expected, const std::string& where) {
  if (expected.empty()) return {};
  ENGINE_ASSIGN(std::string wanted, parse_sha256(expected));
  if (found == wanted) return {};
  return error(Code::DigestMismatch, "%s has SHA-256 %s, expected %s", where.c_str(), found.c_str(), wanted.c_str());
}

void copy_properties(const ModelMessage& message, ModelFile* out) {
  out->opsets.insert(message.opsets.begin(), message.opsets.end());
  out->ir_version = message.ir_version;
  out->model_version = message.model_version;
  out->producer_name = message.producer_name;
  out->producer_version = message.producer_version;
  out->domain = message.domain;
  out->doc_string = message.doc_string;
  for (const auto& [key, value] : message.metadata) out->metadata_props.emplace_back(key, value);
}

void list_files(const ExternalFiles& external, bool hashed, ModelFile* out) {
  for (const ExternalFile& file : external.files()) {
    std::string digest = hashed ? sha256_hex(Bytes(file.bytes->data(), size_t(file.bytes->size()))) : std::string();
    out->files.push_back({file.file.path(), file.file.size(), std::move(digest)});
  }
}

// `where` names the bytes in messages about the digest.
Result<ModelFile> read_source(Source source, const std::string& where, const std::string& folder,
                              const ReadOptions& options) {
  const Bytes bytes(source.buffer->data(), size_t(source.buffer->size()));
  if (int64_t(bytes.size()) > limits::kModelBytes)
    return error(Code::InvalidModel, "%zu bytes; a model file has at most %lld", bytes.size(),
                 (long long)limits::kModelBytes);
  ModelFile model;
  model.sha256 = sha256_hex(bytes);
  ENGINE_TRY(check_digest(model.sha256, options.expected_sha256, where));

  Budget budget(int64_t(bytes.size()), options.account ? options.account->limit() : 0);
  ExternalFiles external(folder, options.external_data_dirs, limits::kMapFrom);
  ModelMessage message;
  Decoder decoder(std::move(source), external, options.share_mapping, budget, options.account.get());
  ENGINE_TRY(decoder.decode_model(bytes, &message));
  copy_properties(message, &model);
  budget.start_building();
  ENGINE_ASSIGN(model.graph, Builder(message, budget, options.account.get()).build());
  list_files(external, options.hash_external_files, &model);
  ENGINE_TRY(external.check_unchanged());
  return model;
}

Result<ModelFile> read_opened(const OpenFile& file, const ReadOptions& options) {
  if (file.size() > limits::kModelBytes)
    return error(Code::InvalidModel, "%lld bytes; a model file has at most %lld", (long long)file.size(),
                 (long long)limits::kModelBytes);
  bool mapped = false;
  ENGINE_ASSIGN(RefPtr<Buffer> bytes, file.size() >= limits::kMapFrom ? file.map(&mapped) : file.read());
  ENGINE_ASSIGN(ModelFile model, read_source(Source{std::move(bytes), mapped && options.share_mapping}, "the file",
                                             parent_folder(file.path()), options));
  ENGINE_TRY(file.check_unchanged());
  return model;
}

}  // namespace

Result<ModelFile> read_model(const std::string& path, const ReadOptions& options) {
  ENGINE_ASSIGN(OpenFile file, OpenFile::open(path));
  Result<ModelFile> model = read_opened(file, options);
  if (!model.ok()) return std::move(model).status().with_context(path);
  return model;
}

Result<ModelFile> read_model_bytes(const void* data, size_t size, const ReadOptions& options) {
  RefPtr<Buffer> bytes = Buffer::view(const_cast<void*>(data), int64_t(size), nullptr);
  return read_source(Source{std::move(bytes), false}, "the model", "", options);
}

}  // namespace engine
