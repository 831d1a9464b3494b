// Memory as kernels require it: aligned to 64 bytes, and filled with ones to show what is read before it is written.
#pragma once

#include <cstring>
#include <memory>
#include <new>

struct AlignedDelete {
  void operator()(char* p) const { ::operator delete(p, std::align_val_t(64)); }
};
using AlignedBuffer = std::unique_ptr<char, AlignedDelete>;

inline AlignedBuffer aligned_buffer(size_t bytes) {
  char* p = static_cast<char*>(::operator new(bytes, std::align_val_t(64)));
  std::memset(p, 0xff, bytes);
  return AlignedBuffer(p);
}
