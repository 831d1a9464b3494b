#include "base/file_buffer.h"

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace engine {
namespace {

constexpr int64_t kDropFrom = int64_t(64) << 10;  // fewer bytes are not worth a call of the system

}  // namespace

void FileBuffer::adopt(void* data, int64_t bytes) {
  data_ = static_cast<char*>(data);
  size_ = bytes;
}

#if defined(_WIN32)
FileBuffer::~FileBuffer() = default;
void FileBuffer::drop_pages(const void*, int64_t) const {}
#else
FileBuffer::~FileBuffer() {
  if (data_) ::munmap(data_, size_t(size_));
}

void FileBuffer::drop_pages(const void* data, int64_t bytes) const {
  if (bytes < kDropFrom) return;
  const uintptr_t page = uintptr_t(::sysconf(_SC_PAGESIZE)), at = reinterpret_cast<uintptr_t>(data);
  uintptr_t begin = (at + page - 1) / page * page, end = (at + uintptr_t(bytes)) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}
#endif

void drop_file_pages(const Buffer* buffer, const void* data, int64_t bytes) {
  if (auto* file = dynamic_cast<const FileBuffer*>(buffer)) file->drop_pages(data, bytes);
}

}  // namespace engine
