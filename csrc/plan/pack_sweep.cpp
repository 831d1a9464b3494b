#include "plan/pack_folder.h"

#if ENGINE_SHARED_PACKS

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

namespace engine {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kInUse = 60 * kSecond;       // used within: its load may still be under way
constexpr int64_t kAbandoned = 600 * kSecond;  // not written to for so long: its writer is gone
constexpr size_t kKeyLength = 64;

struct File {
  std::string name;
  int64_t bytes, age;
};

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.substr(text.size() - end.size()) == end; }

bool one_of_ours(std::string_view name) {
  if (name.size() < kKeyLength || name.find_first_not_of("0123456789abcdef") != kKeyLength) return false;
  return name.substr(kKeyLength) == ".pack" || ends_with(name, ".tmp");
}

int64_t modified_ns(const struct stat& s) {
#if defined(__APPLE__)
  const timespec& t = s.st_mtimespec;
#else
  const timespec& t = s.st_mtim;
#endif
  return int64_t(t.tv_sec) * kSecond + t.tv_nsec;
}

std::vector<File> files_of(int descriptor) {
  std::vector<File> files;
  int again = ::openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> folder(again < 0 ? nullptr : ::fdopendir(again), ::closedir);
  if (!folder) {
    if (again >= 0) ::close(again);
    return files;
  }
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  while (const dirent* entry = ::readdir(folder.get())) {
    struct stat s;
    if (!one_of_ours(entry->d_name) || ::fstatat(descriptor, entry->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(s.st_mode)) continue;
    files.push_back({entry->d_name, int64_t(s.st_size), int64_t(now.tv_sec) * kSecond + now.tv_nsec - modified_ns(s)});
  }
  return files;
}

}  // namespace

int64_t sweep_pack_folder(int descriptor, int64_t limit) {
  std::vector<File> files = files_of(descriptor);
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.age > b.age; });
  int64_t left = 0;
  for (const File& file : files) left += file.bytes;
  for (const File& file : files) {
    const bool writing = ends_with(file.name, ".tmp");
    if (writing ? file.age < kAbandoned : left <= limit || file.age < kInUse) continue;
    if (::unlinkat(descriptor, file.name.c_str(), 0) == 0) left -= file.bytes;
  }
  return left;
}

}  // namespace engine

#endif
