// A loaded model: the graph that was read and checked, its program, its memory. Immutable but for caches; thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "onnx/reader.h"
#include "plan/pack_cache.h"
#include "plan/program.h"

namespace engine {

// An input or output of a model.
struct Port {
  std::string name;
  TypeInfo type;                       // dimensions kUnknownDim where the file leaves them open
  std::vector<std::string> dim_names;  // per dimension: its symbol, or ""
};

// What a file says of itself.
struct ModelFacts {
  std::string producer, producer_version, domain, description, graph, graph_description;
  int64_t version = 0, ir_version = 0;
};

struct LoadOptions {
  std::string sha256;                      // expected digest of the file, hex with or without "sha256:"; empty: any
  std::vector<std::string> external_data;  // further folders from which external data may be read
  // Digests of external files by location; only_listed_files: no others are read. hash_external_files: files() tells all digests.
  std::vector<std::pair<std::string, std::string>> external_sha256;
  bool only_listed_files = false, hash_external_files = false;
  int threads = 0;                         // one call may use; 0: available_cpus()
  RefPtr<MemoryAccount> account;           // charged for weights, arenas and run-time tensors; null: an account of the model's own
  Level level = Level::All;
  bool allow_random = false;               // accept operators that draw random numbers: their answers differ from call to call
  std::string cache;                       // folder of packed constants that processes share (plan/pack_folder.h); empty: none
  int64_t cache_limit = int64_t(8) << 30;  // bytes that all files in that folder may have
  std::vector<std::string> as_inputs;      // of Model::default_inputs: these become inputs
  std::vector<std::pair<std::string, int64_t>> dims;  // symbols of input dimensions -> the sizes that they stand for
};

// Nanoseconds that the phases of loading took.
struct LoadTimes {
  int64_t read = 0, optimize = 0, plan = 0, warm_up = 0;
};

class Model : public RefCounted {
 public:
  static Result<RefPtr<Model>> load_file(const std::string& path, const LoadOptions& options);
  // The bytes need not outlive the call.
  static Result<RefPtr<Model>> load_bytes(const void* data, size_t size, const LoadOptions& options);

  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  // Inputs to which the file gives a value, which makes them constants here.
  const std::vector<Port>& default_inputs() const { return default_inputs_; }
  // "sha256:..." of the bytes that were parsed.
  const std::string& digest() const { return digest_; }
  // The external files that were read, in order of first use.
  const std::vector<ExternalFileInfo>& files() const { return files_; }
  const std::vector<std::pair<std::string, std::string>>& metadata() const { return metadata_; }
  const std::vector<std::pair<std::string, int>>& opsets() const { return opsets_; }
  const std::string& producer() const { return producer_; }
  const ModelFacts& facts() const { return facts_; }
  const LoadTimes& load_times() const { return load_times_; }
  // REQUIRES: nobody else uses the model yet.
  void set_warm_up_time(int64_t ns) { load_times_.warm_up = ns; }
  int64_t parameters() const { return parameters_; }
  int threads() const { return program_->options().threads; }
  // The operators of the file with their counts, by name.
  const std::vector<std::pair<std::string, int>>& operators() const { return operators_; }

  // The input types of a call with these shapes: one an input, null where the file's shape will do (open dimensions are taken as
  // 1). InvalidInput when the shapes do not fit the model, or when an input's type cannot be made up.
  Result<std::vector<TypeInfo>> types_of_call(std::span<const Shape* const> shapes) const;
  // Runs once on zeros (empty strings) of these types, so that the plan is made, constants are packed and memory is there.
  // InvalidInput when they do not fit the model; what the answer would be does not matter, so an error of the run itself is none
  // here, but for memory and the control's verdict.
  Status warm_up(const std::vector<TypeInfo>& types, RunControl& control);

  Program& program() { return *program_; }
  MemoryAccount& account() { return *account_; }
  int64_t constant_bytes() const { return constant_bytes_; }
  int64_t packed_bytes() const { return cache_->bytes(); }
  SharedPacks shared_packs() const { return cache_->shared(); }

 private:
  friend class ModelLoader;
  Model() = default;

  std::vector<Port> inputs_, outputs_, default_inputs_;
  std::string digest_, producer_;
  std::vector<ExternalFileInfo> files_;
  ModelFacts facts_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<std::pair<std::string, int>> opsets_, operators_;
  LoadTimes load_times_;
  int64_t parameters_ = 0, constant_bytes_ = 0;
  RefPtr<MemoryAccount> account_;
  std::shared_ptr<ModelPackCache> cache_;
  std::shared_ptr<Program> program_;
};

}  // namespace engine
