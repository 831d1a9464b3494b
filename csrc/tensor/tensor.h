// A tensor: element type, layout, shape and where its bytes are.
#pragma once

#include <string>

#include "base/memory.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace engine {

// How elements lie in memory. Plain: row-major. Blocked: [N, ceil(C/b), spatial..., b], channels padded with zeros to whole blocks.
struct Layout {
  int block = 0;  // 0: plain
  bool operator==(const Layout& o) const { return block == o.block; }
};

// A descriptor. `data` is valid while `buffer` (when set) or the arena that the plan bound it to lives.
// Element [i0, i1, ...] of a plain tensor is at the row-major index. Copying copies the descriptor, not the elements.
struct Tensor {
  DType dtype = DType::Undefined;
  Layout layout;
  Shape shape;
  void* data = nullptr;
  RefPtr<Buffer> buffer;

  int64_t elements() const { return shape.elements(); }
  int64_t bytes() const { return elements() * dtype_size(dtype); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// Whoever makes many strings is asked after each few thousand of them whether to go on; null: nobody is.
struct GoOn {
  bool (*ask)(void* arg) = nullptr;
  void* arg = nullptr;
};

// A plain tensor with memory of its own, uninitialised (strings are empty). `account` may be null. Cancelled when go_on said no.
Result<Tensor> make_tensor(DType dtype, const Shape& shape, MemoryAccount* account, const char* what, GoOn go_on = {});

// Element i of an integer or bool tensor as int64. REQUIRES: an integer or bool dtype, i in range.
int64_t integer_at(const Tensor& tensor, int64_t i);

// Element i of a numeric tensor as double. REQUIRES: a real numeric or bool dtype, i in range.
double number_at(const Tensor& tensor, int64_t i);

// True when both have the same dtype, shape and bytes (strings: the same strings).
bool same_tensor(const Tensor& a, const Tensor& b);

// Copies elements (strings included). REQUIRES: same dtype and count; no overlap.
void copy_elements(const Tensor& from, void* to);

}  // namespace engine
