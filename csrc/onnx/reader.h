// An ONNX file read, verified and resolved: bytes -> Graph.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "base/status.h"
#include "graph/graph.h"

namespace engine {

struct ReadOptions {
  std::string expected_sha256;  // of the model file; empty: any. "sha256:" before it and capitals are accepted
  std::vector<std::string> external_data_dirs;  // further folders that external data may be in, or be linked into
  bool hash_external_files = false;             // fill ExternalFileInfo::sha256
  // Digests that external files must have, by location relative to the model's folder. With `only_listed_files` a file
  // that is not among them is refused.
  std::vector<std::pair<std::string, std::string>> external_sha256;
  bool only_listed_files = false;
  bool share_mapping = true;      // constants may be views of mapped files (see onnx/file.h); false: all are copied
  RefPtr<MemoryAccount> account;  // charged for constants that are copied; may be null
  std::vector<std::string> as_inputs;                  // of ModelFile::defaults: these stay inputs of the graph
  std::vector<std::pair<std::string, int64_t>> dims;   // symbols of input dimensions -> the sizes that they stand for
};

struct ExternalFileInfo {
  std::string path;  // absolute, links resolved
  int64_t bytes = 0;
  std::string sha256;  // 64 hexadecimal digits, or empty when not asked for
  std::vector<std::string> locations;  // the names that the model has for it, without "." and empty parts
};

// What a file says. The graph owns, or keeps alive, all that it refers to.
struct ModelFile {
  Graph graph;                        // functions inlined, Constant nodes and initializers turned into constants
  std::map<std::string, int> opsets;  // domain -> version; "" is ai.onnx
  int64_t ir_version = 0, model_version = 0;
  std::string producer_name, producer_version, domain, doc_string, graph_doc_string;
  std::vector<std::pair<std::string, std::string>> metadata_props;
  std::vector<GraphValue> defaults;     // inputs for which the file has an initializer (from IR version 4), as it declares them
  std::string sha256;                   // of the model file, 64 hexadecimal digits
  std::vector<ExternalFileInfo> files;  // external data, in order of first use
};

// What is done with a file that was read, on the thread that reads it: its model, but for the digest.
using ModelUse = std::function<Status(ModelFile)>;

// Reads a file. FileNotFound; DigestMismatch, before anything of the file in question is used; InvalidModel,
// UnsupportedOperator (element types, versions); InvalidInput (options name what the file does not have);
// MemoryLimitExceeded. Messages begin with the path. Thread-safe.
Result<ModelFile> read_model(const std::string& path, const ReadOptions& options);

// Reads a model from memory, which nobody may change during the call; every constant is copied, so that it need not
// outlive the call. External data is found in options.external_data_dirs only.
Result<ModelFile> read_model_bytes(const void* data, size_t size, const ReadOptions& options);

// The same, and what `use` says of the model: a digest that nobody waits for is computed on a helper until `use` is done. What
// `use` made must not be used when this fails: the file may have been changed meanwhile. `sha256`: 64 digits, set when it returns.
Status use_model(const std::string& path, const ReadOptions& options, const ModelUse& use, std::string* sha256);
Status use_model_bytes(const void* data, size_t size, const ReadOptions& options, const ModelUse& use, std::string* sha256);

}  // namespace engine
