// A file mapped into memory, read only.
#pragma once

#include "base/memory.h"

namespace engine {

class FileBuffer final : public Buffer {
 public:
  // An empty one, and the mapping [data, data + bytes) that it is to own.
  FileBuffer() = default;
  void adopt(void* data, int64_t bytes);

  // Says that [data, data + bytes), a part of this buffer, will hardly be read again: the system takes its pages back, and reads
  // them from the file if they are touched after all. Thread-safe.
  void drop_pages(const void* data, int64_t bytes) const;

 private:
  ~FileBuffer() override;
};

// drop_pages of the file that `buffer` (may be null) is, if it is one.
void drop_file_pages(const Buffer* buffer, const void* data, int64_t bytes);

}  // namespace engine
