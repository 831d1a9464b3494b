#include "onnx/reader.h"

#include <algorithm>
#include <atomic>

#include "onnx/builder.h"
#include "onnx/decoder.h"
#include "onnx/file_digest.h"
#include "sched/thread_pool.h"

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

constexpr int64_t kHashAsideFrom = int64_t(1) << 20;

// Runs `work` on this thread; on a helper, if one is free, the buffer is hashed meanwhile, else afterwards.
template <class Work>
Status hash_while(const Buffer& buffer, std::string* digest, Work&& work) {
  struct Job {
    const Buffer& buffer;
    std::string* digest;
    Work& work;
    Status status;
    std::atomic<bool> hashed{false}, failed{false};
    void hash() { *digest = digest_of(buffer); }
    void help() {
      try {
        hash();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
    }
  } job{buffer, digest, work, {}};
  ThreadPool::instance().run(buffer.size() >= kHashAsideFrom ? 1 : 0, [](void* arg, int worker) {
    Job& job = *static_cast<Job*>(arg);
    if (worker == 0) job.status = job.work();
    if (!job.hashed.exchange(true)) worker == 0 ? job.hash() : job.help();
  }, &job);
  if (job.failed) job.hash();
  return std::move(job.status);
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

// Nothing is parsed before a digest that was asked for is found to be right. `where` names the bytes in messages about it.
Result<ModelFile> read_source(Source source, const std::string& where, const std::string& folder,
                              const ReadOptions& options) {
  const Bytes bytes(source.buffer->data(), size_t(source.buffer->size()));
  if (int64_t(bytes.size()) > limits::kModelBytes)
    return error(Code::InvalidModel, "%zu bytes; a model file has at most %lld", bytes.size(),
                 (long long)limits::kModelBytes);
  std::string digest;
  if (!options.expected_sha256.empty()) {
    digest = digest_of(*source.buffer);
    ENGINE_TRY(check_digest(digest, options.expected_sha256, where));
  }
  Result<ModelFile> model = error(Code::InternalError, "the file was not read");
  auto decode = [&]() -> Status {
    model = decode_source(source, folder, options);
    return {};
  };
  if (digest.empty()) ENGINE_TRY(hash_while(*source.buffer, &digest, decode));
  else ENGINE_TRY(decode());
  if (!model.ok()) return std::move(model).status();
  ModelFile read = model.take();
  read.sha256 = std::move(digest);
  return read;
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
