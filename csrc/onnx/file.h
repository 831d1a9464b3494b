// Files as bytes: read into memory, or mapped.
//
// What is hashed must be what is parsed. A file that was read into memory cannot change. A mapped one can: whoever
// writes into it in place changes what the model computes, and whoever truncates it kills the process with SIGBUS at
// the next access. So: small files are read (limits::kMapFrom), large ones are mapped, and a mapped file must be
// replaced by renaming another over it, never written in place, while a model uses it. OpenFile::check_unchanged after
// reading finds writers that came in between.
#pragma once

#include <cstdint>
#include <string>

#include "base/memory.h"
#include "base/status.h"

// file_posix.cpp where it is set, file_portable.cpp otherwise.
#if !defined(ENGINE_POSIX_FILES)
#if defined(_WIN32)
#define ENGINE_POSIX_FILES 0
#else
#define ENGINE_POSIX_FILES 1
#endif
#endif

namespace engine {

// A regular file, open for reading. Closes when destroyed.
class OpenFile {
 public:
  // Follows symbolic links. FileNotFound, with the system's reason, when the file is missing or cannot be read, and for
  // directories, FIFOs, sockets and devices (which are never waited for).
  static Result<OpenFile> open(const std::string& path);
  // As open, but the absolute `path` must not have a symbolic link in any component.
  static Result<OpenFile> open_without_links(const std::string& path);

  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }
  // Names of the file in the file system.
  int64_t links() const { return links_; }
  // The same text for the same file, whatever path led to it.
  const std::string& identity() const { return identity_; }

  // Reads the whole file. FileNotFound when that fails or the file became shorter; MemoryLimitExceeded.
  Result<RefPtr<Buffer>> read() const;
  // Reads `size` bytes at `offset`; the errors of read(). REQUIRES: offset + size <= size().
  Status read_at(int64_t offset, char* memory, int64_t size) const;
  // Maps the whole file, read-only; where the system cannot map, reads it. `mapped` says which. The mapping lives as
  // long as the buffer.
  Result<RefPtr<Buffer>> map(bool* mapped) const;
  // Gives the system's handle back: of what is read or mapped nothing changes. check_unchanged has nothing to say
  // afterwards.
  void close();
  // InvalidModel when the file's size or time of writing is no longer that at open(). Giving its name to another file
  // is no change.
  Status check_unchanged() const;

 private:
  OpenFile() = default;
#if ENGINE_POSIX_FILES
  static Result<OpenFile> adopt(int descriptor, const std::string& path);
  int descriptor_ = -1;
#endif
  std::string path_, identity_, stamp_;
  int64_t size_ = 0, links_ = 1;
};

// The absolute path with every symbolic link resolved; FileNotFound when it does not exist.
Result<std::string> canonical_path(const std::string& path);

// The folder that a path's last component is in: "." for a bare name.
std::string parent_folder(const std::string& path);

}  // namespace engine
