#include "onnx/reader.h"

#include <algorithm>
#include <atomic>

#include "base/file_buffer.h"
#include "onnx/builder.h"
#include "onnx/decoder.h"
#include "onnx/sha256.h"
#include "sched/thread_pool.h"

namespace engine {
namespace {

using namespace onnx;

// Takes the pages of a mapped file as it goes, so that few are resident at any time.
std::string hash_of(const Buffer& buffer) {
  constexpr int64_t kPart = int64_t(8) << 20;
  Sha256 hash;
  for (int64_t at = 0; at < buffer.size(); at += kPart) {
    int64_t n = std::min(kPart, buffer.size() - at);
    hash.update(buffer.data() + at, size_t(n));
    drop_file_pages(&buffer, buffer.data() + at, n);
  }
  return hex(hash.finish());
}

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
    std::string digest = hashed ? hash_of(*file.bytes) : std::string();
    out->files.push_back({file.file.path(), file.file.size(), std::move(digest)});
  }
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
    void hash() { *digest = hash_of(buffer); }
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

// Nothing is parsed before a digest that was asked for is found to be right. `where` names the bytes in messages about it.
Result<ModelFile> read_source(Source source, const std::string& where, const std::string& folder,
                              const ReadOptions& options) {
  const Bytes bytes(source.buffer->data(), size_t(source.buffer->size()));
  if (int64_t(bytes.size()) > limits::kModelBytes)
    return error(Code::InvalidModel, "%zu bytes; a model file has at most %lld", bytes.size(),
                 (long long)limits::kModelBytes);
  std::string digest;
  if (!options.expected_sha256.empty()) {
    digest = hash_of(*source.buffer);
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
