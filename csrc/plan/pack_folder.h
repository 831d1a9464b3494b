// A folder of packed constants that processes share: written once, mapped by all who need them.
//
// Who may write into the folder decides what models compute. So it must belong to this process's user, or to root, and nobody else
// may write there; the same goes for each file. What its owner damages by accident, or a lost connection or power does, the
// checksums find: such a file is as good as none and is written anew. A file appears whole, by its name, and is never written to
// or truncated afterwards; removing it leaves the memory of those who have it mapped as it is.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/memory.h"

// pack_folder_posix.cpp where it is set, pack_folder_portable.cpp, with which no memory is shared, otherwise.
#if !defined(ENGINE_SHARED_PACKS)
#if defined(_WIN32)
#define ENGINE_SHARED_PACKS 0
#else
#define ENGINE_SHARED_PACKS 1
#endif
#endif

namespace engine {

// Thread-safe. Other processes, on this build or another, may do anything at any time that this class does.
class PackFolder : public RefCounted {
 public:
  // Makes the folder, for its owner only, when it is missing. limit: bytes that all files may have. InvalidInput when it is no
  // folder, or when others than its owner may write there; FileNotFound, with the system's reason, when it cannot be used.
  static Result<RefPtr<PackFolder>> open(const std::string& path, int64_t limit);

  // The `bytes` bytes under that key, mapped read-only; null when there is no file. InvalidModel when the file is not what it
  // should be. Counts as a use of the file.
  Result<RefPtr<Buffer>> find(const std::string& key, int64_t bytes);
  // Stores `data` under that key, first making room by removing what was used longest ago, and returns it as find does. When
  // another process was faster that one's file is used. FileNotFound, with the reason, when it cannot be stored.
  Result<RefPtr<Buffer>> store(const std::string& key, const void* data, int64_t bytes);

 private:
  PackFolder(int descriptor, std::string path, int64_t limit) : descriptor_(descriptor), path_(std::move(path)), limit_(limit) {}
  ~PackFolder() override;
  Status make_room(int64_t bytes);
  Status write(const std::string& name, const std::string& key, const void* data, int64_t bytes) const;
  Result<RefPtr<Buffer>> publish(const std::string& written, const std::string& key, int64_t bytes);

  int descriptor_;
  const std::string path_;
  const int64_t limit_;
  std::mutex mutex_;          // of what follows
  int64_t held_ = -1;         // bytes of all files as far as is known; -1: not counted yet
  int64_t written_ = 0;       // by this object since they were counted
};

// Removes files of the folder that `descriptor` is, those used longest ago first, until all together have at most `limit` bytes,
// but none that was used within the last minute; and what writers left behind that were killed. Other names than PackFolder's
// are left alone. The bytes that are left.
int64_t sweep_pack_folder(int descriptor, int64_t limit);

}  // namespace engine
