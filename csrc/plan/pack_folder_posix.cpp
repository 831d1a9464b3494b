#include "plan/pack_folder.h"

#if ENGINE_SHARED_PACKS

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/file_buffer.h"
#include "plan/pack_file.h"

namespace engine {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr int kWriteFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;

Status unusable(const std::string& path, int reason) {
  return error(Code::FileNotFound, "cache folder '%s' cannot be used: %s", path.c_str(), std::strerror(reason));
}

bool trusted(const struct stat& s) { return (s.st_uid == ::geteuid() || s.st_uid == 0) && (s.st_mode & kWritableByOthers) == 0; }

void make_folders(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) ::mkdir(path.substr(0, at).c_str(), 0700);
  ::mkdir(path.c_str(), 0700);
}

std::string temporary_name(const std::string& key) {
  static std::atomic<unsigned> count{0};
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return format("%s.%lld.%09lld%09ld.%u.tmp", key.c_str(), (long long)::getpid(), (long long)now.tv_sec, long(now.tv_nsec), count++);
}

struct Closing {
  int descriptor;
  ~Closing() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

bool write_all(int descriptor, const char* data, int64_t size) {
  constexpr int64_t kMost = int64_t(1) << 30;
  while (size > 0) {
    ssize_t n = ::write(descriptor, data, size_t(std::min(size, kMost)));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= n;
  }
  return true;
}

// Fills the page tables at once. False when the file cannot be read.
bool populate(void* memory, size_t size) {
#if defined(MADV_POPULATE_READ)
  return ::madvise(memory, size, MADV_POPULATE_READ) == 0 || errno != EFAULT;
#else
  ::madvise(memory, size, MADV_WILLNEED);
  return true;
#endif
}

}  // namespace

Result<RefPtr<PackFolder>> PackFolder::open(const std::string& path, int64_t limit) {
  if (path.find('\0') != std::string::npos) return error(Code::InvalidInput, "the cache folder's name holds a NUL");
  int descriptor = ::open(path.c_str(), kFolderFlags);
  if (descriptor < 0 && errno == ENOENT) {
    make_folders(path);
    descriptor = ::open(path.c_str(), kFolderFlags);
  }
  if (descriptor < 0 && errno == ENOTDIR) return error(Code::InvalidInput, "cache folder '%s' is no folder", path.c_str());
  if (descriptor < 0) return unusable(path, errno);
  Closing closing{descriptor};
  RefPtr<PackFolder> folder(new PackFolder(descriptor, path, limit));
  closing.descriptor = -1;
  struct stat s;
  if (::fstat(descriptor, &s) != 0) return unusable(path, errno);
  if (!trusted(s))
    return error(Code::InvalidInput,
                 "cache folder '%s' belongs to user %lld and has mode %03o: it must belong to this process's user (%lld), or root, and nobody "
                 "else may write there, since its content decides what models compute",
                 path.c_str(), (long long)s.st_uid, unsigned(s.st_mode & 0777), (long long)::geteuid());
  return folder;
}

PackFolder::~PackFolder() { ::close(descriptor_); }

Result<RefPtr<Buffer>> PackFolder::find(const std::string& key, int64_t bytes) {
  const std::string name = key + ".pack", path = path_ + "/" + name;
  auto refused = [&](const char* reason) { return error(Code::InvalidModel, "file '%s' is not used: %s", path.c_str(), reason); };
  int descriptor = ::openat(descriptor_, name.c_str(), kReadFlags);
  if (descriptor < 0 && errno == ENOENT) return RefPtr<Buffer>();
  if (descriptor < 0) return refused(std::strerror(errno));
  Closing closing{descriptor};
  struct stat s;
  if (::fstat(descriptor, &s) != 0) return refused(std::strerror(errno));
  if (!S_ISREG(s.st_mode)) return refused("it is no regular file");
  if (!trusted(s)) return refused("it belongs to another user, or others may write to it");
  if (s.st_size != off_t(kPackHeader + bytes)) return refused("it has another size than it should");
  const size_t size = size_t(s.st_size);
  RefPtr<FileBuffer> file = make_ref<FileBuffer>();
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return refused(std::strerror(errno));
  file->adopt(memory, int64_t(size));
  if (!populate(memory, size)) return refused("it cannot be read");
  Status status = check_pack_file(file->data(), file->size(), key, bytes);
  if (!status.ok()) return refused(status.message().c_str());
  ::futimens(descriptor, nullptr);
  return Buffer::view(file->data() + kPackHeader, bytes, RefPtr<RefCounted>(file.get()));
}

Status PackFolder::make_room(int64_t bytes) {
  if (bytes > limit_) return error(Code::FileNotFound, "a packed constant of %lld bytes is larger than the cache may be (%lld)", (long long)bytes, (long long)limit_);
  std::lock_guard<std::mutex> lock(mutex_);
  if (held_ < 0 || held_ + bytes > limit_ || written_ > limit_ / 16) {
    held_ = sweep_pack_folder(descriptor_, limit_ - bytes);
    written_ = 0;
  }
  if (held_ + bytes > limit_)
    return error(Code::FileNotFound, "cache folder '%s' is full: it may have %lld bytes, and what it has is in use", path_.c_str(), (long long)limit_);
  held_ += bytes;
  written_ += bytes;
  return {};
}

// Without fsync: what a loss of power leaves half-written, the checksums find.
Status PackFolder::write(const std::string& name, const std::string& key, const void* data, int64_t bytes) const {
  char header[kPackHeader];
  write_pack_header(key, data, bytes, header);
  int descriptor = ::openat(descriptor_, name.c_str(), kWriteFlags, 0400);
  if (descriptor < 0) return unusable(path_, errno);
  bool written = write_all(descriptor, header, kPackHeader) && write_all(descriptor, static_cast<const char*>(data), bytes);
  int reason = errno;
  if (::close(descriptor) != 0 && written) {
    written = false;
    reason = errno;
  }
  if (written) return {};
  ::unlinkat(descriptor_, name.c_str(), 0);
  return unusable(path_, reason);
}

// The first to arrive stays, so that all share one file; a damaged one is replaced.
Result<RefPtr<Buffer>> PackFolder::publish(const std::string& written, const std::string& key, int64_t bytes) {
  const std::string name = key + ".pack";
  bool there = ::linkat(descriptor_, written.c_str(), descriptor_, name.c_str(), 0) == 0;
  if (!there && errno == EEXIST) {
    Result<RefPtr<Buffer>> other = find(key, bytes);
    there = other.ok() && other.value();
  }
  if (there) ::unlinkat(descriptor_, written.c_str(), 0);
  else if (::renameat(descriptor_, written.c_str(), descriptor_, name.c_str()) != 0) {
    Status status = unusable(path_, errno);
    ::unlinkat(descriptor_, written.c_str(), 0);
    return status;
  }
  ENGINE_ASSIGN(RefPtr<Buffer> found, find(key, bytes));
  if (!found) return error(Code::FileNotFound, "cache folder '%s' lost the file that was just written", path_.c_str());
  return found;
}

Result<RefPtr<Buffer>> PackFolder::store(const std::string& key, const void* data, int64_t bytes) {
  Result<RefPtr<Buffer>> meanwhile = find(key, bytes);
  if (meanwhile.ok() && meanwhile.value()) return meanwhile;
  ENGINE_TRY(make_room(kPackHeader + bytes));
  const std::string name = temporary_name(key);
  ENGINE_TRY(write(name, key, data, bytes));
  return publish(name, key, bytes);
}

}  // namespace engine

#endif
