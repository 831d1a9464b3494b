// Weights outside the model file: where a tensor may point, and the bytes there.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/memory.h"
#include "onnx/file.h"
#include "onnx/file_digest.h"
#include "onnx/text.h"

namespace engine::onnx {

// A tensor's external_data entries.
struct ExternalLocation {
  Bytes location, offset, length;
};

struct ExternalFile {
  OpenFile file;
  RefPtr<Buffer> bytes;
  bool mapped = false;  // `bytes` is the mapping: it may be shared; otherwise it is dropped after reading
  std::string sha256;   // of `bytes`; empty until it was asked for
  std::vector<std::string> locations;  // plain, in order of first use
};

// The external files of one model; each is opened, and mapped or read, once.
//
// A location is relative, without "..", and leads, with every symbolic link resolved, to a regular file inside the
// model's folder or inside one of the further folders that the caller named. The file is then opened without following
// links, so that swapping a component in between is an error. A file with several hard links may be a name for
// something outside, so it is refused, unless the caller named further folders: caches link their files.
//
// Digests are checked when a file is opened, over the bytes that tensors are then made of; for each location anew, so
// that a link cannot put one file in another's place. Not thread-safe.
class ExternalFiles {
 public:
  // `model_folder` is empty for models without a path. Folders need not exist until a location is looked up.
  ExternalFiles(std::string model_folder, std::vector<std::string> further_folders, int64_t map_from,
                ExternalDigests digests = {});

  // `bytes` of the file that starts at the location's offset. InvalidModel when the location is refused or its offset
  // and length do not fit the file and the wanted size; DigestMismatch; FileNotFound.
  Status find(const ExternalLocation& location, int64_t bytes, const ExternalFile** file, Bytes* data);

  const std::deque<ExternalFile>& files() const { return files_; }
  // Fills sha256 of all files().
  void hash_all();
  int64_t total_bytes() const { return total_bytes_; }
  // InvalidModel when a file was written to since it was opened.
  Status check_unchanged() const;

 private:
  Status open(Bytes location, const ExternalFile** file);
  Result<ExternalFile*> open_resolved(Bytes location);
  Status check(ExternalFile& file, const std::string& location) const;
  Status resolve_folders();
  Result<std::string> resolve(const std::string& location);
  bool contained(const std::string& canonical) const;

  std::vector<std::string> folders_;    // as given, the model's own first
  std::vector<std::string> canonical_;  // those that exist
  bool resolved_ = false, links_allowed_ = false;
  int64_t map_from_, total_bytes_ = 0;
  ExternalDigests digests_;
  std::deque<ExternalFile> files_;  // stable addresses
  std::map<std::string, ExternalFile*, std::less<>> by_location_, by_identity_;
};

}  // namespace engine::onnx
