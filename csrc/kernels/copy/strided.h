// Copies between two strided arrays of one logical shape: what transposing, slicing, broadcasting, tiling, joining and
// splitting have in common.
#pragma once

#include <cstdint>

#include "kernels/transpose/transpose.h"

namespace engine {

// What an element is to code that only moves it. String: a std::string object, which is assigned.
enum class Element : uint8_t { Bits8, Bits16, Bits32, Bits64, Bits128, String };

// Bytes of one element in memory.
int64_t element_bytes(Element element);

// dst[sum(i_d * dst_stride_d)] = src[sum(i_d * src_stride_d)] for all indices i below `dims`. The plan merges dimensions and
// chooses between runs of memory, fills, strided loops and 2-D blocks (short runs count as one larger element, which needs
// no alignment); the work is cut into items of bounded cost, and each
// item writes elements that no other item writes.
class StridedCopy {
 public:
  static constexpr int kMaxRank = 24;

  // Copies nothing.
  StridedCopy() = default;
  // Strides count elements; those of src may be 0 or negative. REQUIRES: rank <= kMaxRank, dims >= 0, different indices
  // write different elements.
  StridedCopy(Element element, int rank, const int64_t* dims, const int64_t* src_strides, const int64_t* dst_strides);

  int64_t items() const { return items_; }
  double ns_per_item() const { return ns_per_item_; }
  // Items [begin, end). `src` and `dst` point at the element of index 0, and do not overlap. Thread-safe.
  void run(const void* src, void* dst, int64_t begin, int64_t end) const;

 private:
  enum class Kind : uint8_t { Run, Fill, Strided, Blocked };
  struct Axis {
    int64_t n, src, dst;
  };
  static void widen(Axis* axes, int& count, Element& element);
  void choose_kind(Axis* axes, int& count);
  void choose_steps();
  template <class T>
  void run_typed(const T* src, T* dst, int64_t begin, int64_t end) const;
  template <class T>
  void copy_item(const T* src, T* dst, int64_t rows, int64_t n) const;

  Element element_ = Element::Bits8;
  Kind kind_ = Kind::Run;
  Axis row_{1, 0, 0}, last_{1, 0, 0};    // the two innermost axes; row_ is unused (n == 1) unless Blocked
  int64_t row_step_ = 1, last_step_ = 1;  // an item covers that many of each
  int loops_ = 0;                        // the axes over items; the last two count steps of row_ and last_
  Axis loop_[kMaxRank + 2];
  TransposeBlockFn block_ = nullptr;
  int64_t items_ = 0;
  double ns_per_item_ = 1;
};

}  // namespace engine
