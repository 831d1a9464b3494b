#include "onnx/file.h"

#if ENGINE_POSIX_FILES

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/file_buffer.h"

namespace engine {
namespace {

#if defined(O_PATH)
constexpr int kSearch = O_PATH;
#elif defined(O_SEARCH)
constexpr int kSearch = O_SEARCH;
#else
constexpr int kSearch = O_RDONLY;
#endif
constexpr int kFolderFlags = kSearch | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW;
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

Status unreadable(const std::string& path, const char* reason) {
  return error(Code::FileNotFound, "file '%s' cannot be read: %s", path.c_str(), reason);
}

// Not the time of the last status change: giving the name to another file changes that too, and is how files are to be
// replaced.
std::string stamp_of(const struct stat& s) {
#if defined(__APPLE__)
  const timespec& modified = s.st_mtimespec;
#else
  const timespec& modified = s.st_mtim;
#endif
  return format("%lld %lld.%09ld", (long long)s.st_size, (long long)modified.tv_sec, long(modified.tv_nsec));
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "it is a directory";
  if (S_ISFIFO(mode)) return "it is a pipe";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is a device";
}

// Opens "a/b/c" below the root, one component at a time; -1 with errno.
int open_component_wise(const std::string& path) {
  std::string name;
  name.reserve(path.size());
  int folder = ::open("/", kFolderFlags);
  size_t at = 0;
  while (folder >= 0) {
    size_t start = path.find_first_not_of('/', at);
    if (start == std::string::npos) break;
    at = std::min(path.find('/', start), path.size());
    name.assign(path, start, at - start);
    bool last = path.find_first_not_of('/', at) == std::string::npos;
    int next = ::openat(folder, name.c_str(), last ? kOpenFlags | O_NOFOLLOW : kFolderFlags);
    int reason = errno;
    ::close(folder);
    errno = reason;
    folder = next;
  }
  return folder;
}

}  // namespace

Result<OpenFile> OpenFile::adopt(int descriptor, const std::string& path) {
  OpenFile file;
  file.descriptor_ = descriptor;
  file.path_ = path;
  struct stat s;
  if (::fstat(descriptor, &s) != 0) return unreadable(path, std::strerror(errno));
  if (!S_ISREG(s.st_mode)) return unreadable(path, kind_of(s.st_mode));
  file.size_ = int64_t(s.st_size);
  file.links_ = int64_t(s.st_nlink);
  file.identity_ = format("%llu:%llu", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
  file.stamp_ = stamp_of(s);
  return file;
}

Result<OpenFile> OpenFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) return unreadable(path, "its name holds a NUL");
  int descriptor = ::open(path.c_str(), kOpenFlags);
  if (descriptor < 0) return unreadable(path, std::strerror(errno));
  return adopt(descriptor, path);
}

Result<OpenFile> OpenFile::open_without_links(const std::string& path) {
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos)
    return unreadable(path, "it is no absolute path");
  int descriptor = open_component_wise(path);
  if (descriptor < 0) return unreadable(path, std::strerror(errno));
  return adopt(descriptor, path);
}

OpenFile::OpenFile(OpenFile&& o) noexcept
    : descriptor_(std::exchange(o.descriptor_, -1)),
      path_(std::move(o.path_)),
      identity_(std::move(o.identity_)),
      stamp_(std::move(o.stamp_)),
      size_(o.size_),
      links_(o.links_) {}

OpenFile::~OpenFile() { close(); }

void OpenFile::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

Result<RefPtr<Buffer>> OpenFile::read() const {
  ENGINE_ASSIGN(RefPtr<Buffer> buffer, Buffer::allocate(size_, nullptr, "reading a file"));
  ENGINE_TRY(read_at(0, buffer->data(), size_));
  return buffer;
}

Status OpenFile::read_at(int64_t offset, char* memory, int64_t size) const {
  constexpr int64_t kMost = int64_t(1) << 30;
  for (int64_t at = 0; at < size;) {
    ssize_t n = ::pread(descriptor_, memory + at, size_t(std::min(size - at, kMost)), off_t(offset + at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(path_, std::strerror(errno));
    if (n == 0) return unreadable(path_, "it became shorter while it was read");
    at += n;
  }
  return {};
}

Result<RefPtr<Buffer>> OpenFile::map(bool* mapped) const {
  *mapped = false;
  if (size_ == 0) return read();
  RefPtr<FileBuffer> buffer = make_ref<FileBuffer>();
  void* data = ::mmap(nullptr, size_t(size_), PROT_READ, MAP_PRIVATE, descriptor_, 0);
  if (data == MAP_FAILED) return read();
  *mapped = true;
  ::madvise(data, size_t(size_), MADV_WILLNEED);
  buffer->adopt(data, size_);
  return RefPtr<Buffer>(buffer.get());
}

Status OpenFile::check_unchanged() const {
  if (descriptor_ < 0) return {};
  struct stat s;
  if (::fstat(descriptor_, &s) != 0) return unreadable(path_, std::strerror(errno));
  if (stamp_of(s) != stamp_) return error(Code::InvalidModel, "file '%s' was changed while it was read", path_.c_str());
  return {};
}

Result<std::string> canonical_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) return unreadable(path, "its name holds a NUL");
  std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), std::free);
  if (!resolved) return unreadable(path, std::strerror(errno));
  return std::string(resolved.get());
}

std::string parent_folder(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace engine

#endif
