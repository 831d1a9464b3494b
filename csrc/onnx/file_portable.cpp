// Files by the C++ standard library alone, for systems without POSIX: read, never mapped.
#include "onnx/file.h"

#if !ENGINE_POSIX_FILES

#include <filesystem>
#include <fstream>

namespace engine {
namespace {

namespace fs = std::filesystem;

Status unreadable(const std::string& path, const std::string& reason) {
  return error(Code::FileNotFound, "file '%s' cannot be read: %s", path.c_str(), reason.c_str());
}

// Paths are UTF-8 on every system.
fs::path native(const std::string& path) { return fs::path(std::u8string(path.begin(), path.end())); }

std::string text(const fs::path& path) {
  std::u8string utf8 = path.u8string();
  return std::string(utf8.begin(), utf8.end());
}

std::string stamp_of(const fs::path& path, std::error_code& problem) {
  uintmax_t size = fs::file_size(path, problem);
  if (problem) return {};
  auto time = fs::last_write_time(path, problem);
  return std::to_string(size) + " " + std::to_string(int64_t(time.time_since_epoch().count()));
}

const char* kind_of(fs::file_type type) {
  if (type == fs::file_type::directory) return "it is a directory";
  if (type == fs::file_type::fifo) return "it is a pipe";
  if (type == fs::file_type::socket) return "it is a socket";
  return "it is a device";
}

bool has_link(const fs::path& path) {
  fs::path so_far;
  for (const fs::path& part : path) {
    so_far /= part;
    std::error_code problem;
    if (fs::is_symlink(so_far, problem)) return true;
  }
  return false;
}

}  // namespace

Result<OpenFile> OpenFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) return unreadable(path, "its name holds a NUL");
  const fs::path where = native(path);
  std::error_code problem;
  fs::file_status status = fs::status(where, problem);
  if (!fs::exists(status)) return unreadable(path, problem ? problem.message() : "No such file");
  if (!fs::is_regular_file(status)) return unreadable(path, kind_of(status.type()));
  OpenFile file;
  file.path_ = path;
  file.stamp_ = stamp_of(where, problem);
  if (!problem) file.size_ = int64_t(fs::file_size(where, problem));
  if (!problem) file.links_ = int64_t(fs::hard_link_count(where, problem));
  if (!problem) file.identity_ = text(fs::canonical(where, problem));
  if (problem) return unreadable(path, problem.message());
  return file;
}

Result<OpenFile> OpenFile::open_without_links(const std::string& path) {
  if (!native(path).is_absolute()) return unreadable(path, "it is no absolute path");
  if (has_link(native(path))) return unreadable(path, "it has a symbolic link in it");
  return open(path);
}

OpenFile::OpenFile(OpenFile&& o) noexcept = default;
OpenFile::~OpenFile() = default;

void OpenFile::close() { stamp_.clear(); }

Result<RefPtr<Buffer>> OpenFile::read() const {
  ENGINE_ASSIGN(RefPtr<Buffer> buffer, Buffer::allocate(size_, nullptr, "reading a file"));
  ENGINE_TRY(read_at(0, buffer->data(), size_));
  return buffer;
}

Status OpenFile::read_at(int64_t offset, char* memory, int64_t size) const {
  std::ifstream stream(native(path_), std::ios::binary);
  if (!stream) return unreadable(path_, "the system refuses");
  stream.seekg(std::streamoff(offset));
  stream.read(memory, std::streamsize(size));
  if (stream.gcount() != std::streamsize(size)) return unreadable(path_, "it became shorter while it was read");
  return {};
}

Result<RefPtr<Buffer>> OpenFile::map(bool* mapped) const {
  *mapped = false;
  return read();
}

Status OpenFile::check_unchanged() const {
  if (stamp_.empty()) return {};
  std::error_code problem;
  std::string now = stamp_of(native(path_), problem);
  if (problem) return unreadable(path_, problem.message());
  if (now != stamp_) return error(Code::InvalidModel, "file '%s' was changed while it was read", path_.c_str());
  return {};
}

Result<std::string> canonical_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) return unreadable(path, "its name holds a NUL");
  std::error_code problem;
  fs::path resolved = fs::canonical(native(path), problem);
  if (problem) return unreadable(path, problem.message());
  return text(resolved);
}

std::string parent_folder(const std::string& path) {
  fs::path parent = native(path).parent_path();
  return parent.empty() ? "." : text(parent);
}

}  // namespace engine

#endif
