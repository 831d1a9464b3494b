// A model file in memory, the elements of its large constants each in a buffer of its own: a tensor keeps that as it is, where it
// would copy them out of the whole.
#pragma once

#include <functional>
#include <vector>

#include "base/memory.h"
#include "onnx/file.h"
#include "onnx/text.h"

namespace engine::onnx {

// Buffers that stand for parts of a file.
class Payloads {
 public:
  // REQUIRES: behind all that was added before.
  void add(int64_t offset, RefPtr<Buffer> buffer) { parts_.push_back({offset, std::move(buffer)}); }
  // The buffer of the `size` bytes at `offset`; null when they are no payload.
  Buffer* find(int64_t offset, int64_t size) const;

 private:
  struct Part {
    int64_t offset;
    RefPtr<Buffer> buffer;
  };
  std::vector<Part> parts_;
};

struct FileImage {
  RefPtr<Buffer> text;  // as long as the file; memory that was never touched where payloads lie
  Payloads payloads;    // raw_data of tensors
};

// Is given a file's bytes in their order, as they are read: `size` bytes at `data`, which is in `holder`.
using ReadPart = std::function<void(const RefPtr<Buffer>& holder, const char* data, int64_t size)>;

// Reads a file from its beginning to its end, each byte that is kept once. What is no ONNX model becomes text. Errors: as
// OpenFile::read.
Result<FileImage> read_image(const OpenFile& file, const ReadPart& told);

}  // namespace engine::onnx
