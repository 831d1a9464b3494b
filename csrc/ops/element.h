// For operators that only move elements: elements by width, copies over shapes.
#pragma once

#include <string>
#include <vector>

#include "kernels/copy/strided.h"
#include "ops/op.h"

namespace engine {

inline Element element_of(DType dtype) {
  if (dtype == DType::String) return Element::String;
  switch (dtype_size(dtype)) {
    case 1: return Element::Bits8;
    case 2: return Element::Bits16;
    case 4: return Element::Bits32;
    case 8: return Element::Bits64;
    default: return Element::Bits128;
  }
}

// visit_width, with std::string for strings.
template <class Fn>
void visit_element(DType dtype, Fn&& fn) {
  if (dtype == DType::String) fn.template operator()<std::string>();
  else visit_width(dtype, std::forward<Fn>(fn));
}

// About what moving one element of a contiguous run costs.
inline double move_ns(DType dtype) { return dtype == DType::String ? 25.0 : 0.05 * double(dtype_size(dtype)); }

// Copies n elements to memory that does not overlap.
template <class T>
void copy_run(const T* from, T* to, int64_t n) {
  std::copy(from, from + n, to);
}

// Several strided copies that run as one piece of work. Add them in prepare.
class CopySet {
 public:
  void clear() {
    copies_.clear();
    ns_ = 0;
    items_ = 0;
  }
  void add(const StridedCopy& copy) {
    copies_.push_back(copy);
    items_ += copy.items();
    ns_ += double(copy.items()) * copy.ns_per_item();
  }
  // Runs all. ends(k) gives the k-th copy's {source, destination}.
  template <class Ends>
  Status run(OpRun& r, Ends&& ends) const {
    double ns = items_ ? ns_ / double(items_) : 1;
    return r.parallel(items_, ns, [&](int64_t begin, int64_t end, int) {
      for (size_t k = 0; k < copies_.size() && begin < end; ++k) {
        int64_t n = copies_[k].items();
        if (begin < n) {
          auto [from, to] = ends(k);
          copies_[k].run(from, to, begin, std::min(end, n));
        }
        begin = begin > n ? begin - n : 0;
        end -= n;
      }
    });
  }

 private:
  std::vector<StridedCopy> copies_;
  int64_t items_ = 0;
  double ns_ = 0;
};

// Runs one copy from element `from` of input i to element `to` of output o.
inline Status run_copy(OpRun& r, const StridedCopy& copy, int i, int o, int64_t from = 0, int64_t to = 0) {
  const char* src = r.in<char>(i) + from * dtype_size(r.in(i).dtype);
  char* dst = r.out<char>(o) + to * dtype_size(r.in(i).dtype);
  return r.parallel(copy.items(), copy.ns_per_item(), [&](int64_t begin, int64_t end, int) { copy.run(src, dst, begin, end); });
}

// A copy of n contiguous elements.
inline StridedCopy contiguous_copy(DType dtype, int64_t n) {
  int64_t one = 1;
  return StridedCopy(element_of(dtype), 1, &n, &one, &one);
}

// Input i to output o, unless they are the same memory.
inline Status copy_input(OpRun& r, int i, int o) {
  if (r.in(i).data == r.out(o).data) return {};
  return run_copy(r, contiguous_copy(r.in(i).dtype, r.in(i).elements()), i, o);
}

}  // namespace engine
