#include "onnx/reader.h"

#include "onnx/builder.h"
#include "onnx/decoder.h"
#include "onnx/file_digest.h"
#include "onnx/hashing.h"

namespace engine {
namespace {

using namespace onnx;

void copy_properties(const ModelMessage& message, ModelFile* out) {
  out->opsets.insert(message.opsets.begin(), message.opsets.end());
  out->ir_version = message.ir_version;
  out->model_version = message.model_version;
  out->producer_name = message.producer_name;
  out->producer_version = message.producer_version;
  out->domain = message.domain;
  out->doc_string = message.doc_string;
  out->graph_doc_string = message.graph.doc_string;
  for (const auto& [key, value] : message.metadata) out->metadata_props.emplace_back(key, value);
}

void list_files(ExternalFiles& external, bool hashed, ModelFile* out) {
  if (hashed) external.hash_all();
  for (const ExternalFile& file : external.files())
    out->files.push_back({file.file.path(), file.file.size(), file.sha256, file.locations});
}

ExternalDigests external_digests(const ReadOptions& options) {
  ExternalDigests digests;
  digests.required = options.only_listed_files;
  for (const auto& [location, sha256] : options.external_sha256) digests.by_location[plain_location(location)] = sha256;
  return digests;
}

bool fix_dimension(const std::string& symbol, int64_t size, std::vector<ValueInfoMessage>& values) {
  bool found = false;
  for (ValueInfoMessage& value : values) {
    for (size_t d = 0; d < value.dim_names.size() && value.type.has_rank; ++d) {
      if (value.dim_names[d] != symbol) continue;
      value.type.shape[int(d)] = size;
      value.dim_names[d].clear();
      found = true;
    }
  }
  return found;
}

Status fix_dimensions(const std::vector<std::pair<std::string, int64_t>>& dims, GraphMessage& graph) {
  for (const auto& [symbol, size] : dims) {
    if (symbol.empty() || size < 0)
      return error(Code::InvalidInput, "dims: %s is given size %lld", quoted(symbol).c_str(), (long long)size);
    if (!fix_dimension(symbol, size, graph.inputs))
      return error(Code::InvalidInput, "dims: no input has a dimension %s", quoted(symbol).c_str());
    fix_dimension(symbol, size, graph.outputs);
    fix_dimension(symbol, size, graph.hints);
  }
  return {};
}

Result<ModelFile> decode_source(Source source, const std::string& folder, const ReadOptions& options) {
  const Bytes bytes(source.buffer->data(), size_t(source.buffer->size()));
  ModelFile model;
  Budget budget(int64_t(bytes.size()), options.account ? options.account->limit() : 0);
  ExternalFiles external(folder, options.external_data_dirs, limits::kMapFrom, external_digests(options));
  ModelMessage message;
  Decoder decoder(std::move(source), external, options.share_mapping, budget, options.account.get());
  ENGINE_TRY(decoder.decode_model(bytes, &message));
  copy_properties(message, &model);
  ENGINE_TRY(fix_dimensions(options.dims, message.graph));
  budget.start_building();
  Builder builder(message, budget, options.account.get(), options.as_inputs);
  ENGINE_ASSIGN(model.graph, builder.build());
  model.defaults = builder.take_defaults();
  list_files(external, options.hash_external_files, &model);
  ENGINE_TRY(external.check_unchanged());
  return model;
}

// What came of a model that was read.
struct Reading {
  const ModelUse& use;
  std::string sha256;
  Status used;
};

constexpr int64_t kReadApartFrom = int64_t(1) << 20;  // smaller files are read as one, and not worth waking a helper for

Status read_checked(Source source, const std::string& where, const std::string& folder, const ReadOptions& options, Reading& reading) {
  reading.sha256 = digest_of(*source.buffer);
  ENGINE_TRY(check_digest(reading.sha256, options.expected_sha256, where));
  ENGINE_ASSIGN(ModelFile model, decode_source(std::move(source), folder, options));
  reading.used = reading.use(std::move(model));
  return {};
}

// Nothing is parsed before a digest that was asked for is found to be right. `where` names the bytes in messages about it.
Status read_source(Source source, const std::string& where, const std::string& folder, const ReadOptions& options, Reading& reading) {
  if (source.buffer->size() > limits::kModelBytes)
    return error(Code::InvalidModel, "%lld bytes; a model file has at most %lld", (long long)source.buffer->size(),
                 (long long)limits::kModelBytes);
  if (!options.expected_sha256.empty()) return read_checked(std::move(source), where, folder, options, reading);
  Hashing hashing;
  const int64_t size = source.buffer->size();
  hashing.add(source.buffer, source.buffer->data(), size);
  hashing.end();
  ENGINE_TRY(hashing.beside(size >= kReadApartFrom, [&]() -> Status {
    const bool takes_memory = !source.share;
    ENGINE_ASSIGN(ModelFile model, decode_source(std::move(source), folder, options));
    if (takes_memory) hashing.unless_begun();
    reading.used = reading.use(std::move(model));
    return {};
  }));
  reading.sha256 = hashing.digest();
  return {};
}

// A file that is read, not mapped, and whose digest nobody waits for: it is hashed from when its first bytes are there.
Status read_apart(const OpenFile& file, const ReadOptions& options, Reading& reading) {
  Hashing hashing;
  ENGINE_TRY(hashing.beside(true, [&]() -> Status {
    ENGINE_ASSIGN(FileImage image, read_image(file, [&](const RefPtr<Buffer>& holder, const char* data, int64_t size) {
                    hashing.add(holder, data, size);
                  }));
    hashing.end();
    ENGINE_ASSIGN(ModelFile model, decode_source(Source{image.text, false, &image.payloads}, parent_folder(file.path()), options));
    image = {};
    hashing.unless_begun();
    reading.used = reading.use(std::move(model));
    return {};
  }));
  reading.sha256 = hashing.digest();
  return {};
}

Status read_opened(const OpenFile& file, const ReadOptions& options, Reading& reading) {
  if (file.size() > limits::kModelBytes)
    return error(Code::InvalidModel, "%lld bytes; a model file has at most %lld", (long long)file.size(),
                 (long long)limits::kModelBytes);
  bool mapped = false;
  if (file.size() >= kReadApartFrom && file.size() < limits::kMapFrom && options.expected_sha256.empty()) {
    ENGINE_TRY(read_apart(file, options, reading));
  } else {
    ENGINE_ASSIGN(RefPtr<Buffer> bytes, file.size() >= limits::kMapFrom ? file.map(&mapped) : file.read());
    ENGINE_TRY(read_source(Source{std::move(bytes), mapped && options.share_mapping}, "the file", parent_folder(file.path()), options, reading));
  }
  return file.check_unchanged();
}

template <class Read>
Result<ModelFile> keep(Read&& read) {
  ModelFile kept;
  std::string sha256;
  ENGINE_TRY(read([&](ModelFile model) -> Status {
    kept = std::move(model);
    return {};
  }, &sha256));
  kept.sha256 = std::move(sha256);
  return kept;
}

}  // namespace

Status use_model(const std::string& path, const ReadOptions& options, const ModelUse& use, std::string* sha256) {
  ENGINE_ASSIGN(OpenFile file, OpenFile::open(path));
  Reading reading{use, {}, {}};
  Status status = read_opened(file, options, reading);
  if (!status.ok()) return std::move(status).with_context(path);
  *sha256 = std::move(reading.sha256);
  return std::move(reading.used);
}

Status use_model_bytes(const void* data, size_t size, const ReadOptions& options, const ModelUse& use, std::string* sha256) {
  RefPtr<Buffer> bytes = Buffer::view(const_cast<void*>(data), int64_t(size), nullptr);
  Reading reading{use, {}, {}};
  ENGINE_TRY(read_source(Source{std::move(bytes), false}, "the model", "", options, reading));
  *sha256 = std::move(reading.sha256);
  return std::move(reading.used);
}

Result<ModelFile> read_model(const std::string& path, const ReadOptions& options) {
  return keep([&](const ModelUse& use, std::string* sha256) { return use_model(path, options, use, sha256); });
}

Result<ModelFile> read_model_bytes(const void* data, size_t size, const ReadOptions& options) {
  return keep([&](const ModelUse& use, std::string* sha256) { return use_model_bytes(data, size, options, use, sha256); });
}

}  // namespace engine
