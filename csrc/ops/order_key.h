// Numbers as unsigned integers in the same order, so that sorting and selecting need no code for each type.
#pragma once

#include <bit>
#include <type_traits>

#include "tensor/dtype.h"

namespace engine {

// key(a) < key(b) when a < b. Both zeros have one key; every NaN has the largest.
template <class T>
inline uint64_t order_key(T value) {
  if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) return uint64_t(value);
  else if constexpr (std::is_integral_v<T>) return uint64_t(int64_t(value)) ^ (uint64_t(1) << 63);
  else if constexpr (std::is_same_v<T, double>) {
    if (value != value) return UINT64_MAX;
    uint64_t bits = std::bit_cast<uint64_t>(value == 0 ? 0.0 : value);
    return bits >> 63 ? ~bits : bits | (uint64_t(1) << 63);
  } else {
    float f = float(value);
    if (f != f) return UINT64_MAX;
    uint32_t bits = std::bit_cast<uint32_t>(f == 0 ? 0.0f : f);
    return bits >> 31 ? uint32_t(~bits) : bits | 0x80000000u;
  }
}

// Writes the keys, xor `flip` (all ones reverses the order), of n numbers that lie `stride` apart.
using KeyReader = void (*)(const void* x, int64_t start, int64_t stride, int64_t n, uint64_t flip, uint64_t* keys);

template <class T>
void read_keys(const void* x, int64_t start, int64_t stride, int64_t n, uint64_t flip, uint64_t* keys) {
  const T* from = static_cast<const T*>(x) + start;
  for (int64_t i = 0; i < n; ++i) keys[i] = order_key(from[i * stride]) ^ flip;
}

// Null when `dtype` is neither a number nor bool.
inline KeyReader key_reader(DType dtype) {
  KeyReader reader = dtype == DType::Bool ? read_keys<uint8_t> : nullptr;
  visit_dtype(NumericTypes{}, dtype, [&]<class T>() { reader = read_keys<T>; });
  return reader;
}

// The first i in [i, n) whose number x[start + i * stride] comes before `than`'s in the order of keys (flip as in KeyReader);
// n when there is none. `than` is a position like i.
using KeyScanner = int64_t (*)(const void* x, int64_t start, int64_t stride, int64_t i, int64_t n, uint64_t flip, int64_t than);

template <class T>
int64_t scan_keys(const void* x, int64_t start, int64_t stride, int64_t i, int64_t n, uint64_t flip, int64_t than) {
  using C = std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float, T>;
  const T* from = static_cast<const T*>(x) + start;
  const C limit = C(from[than * stride]);
  const bool limit_nan = limit != limit;
  if (flip && limit_nan) return n;
  auto before = [&](C v) { return flip ? !(v <= limit) : limit_nan ? v == v : v < limit; };
  if (stride == 1 && !limit_nan) {
    constexpr int kWidth = 16;
    for (; i + kWidth <= n; i += kWidth) {
      int any = 0;
      if (flip)
        for (int l = 0; l < kWidth; ++l) any |= !(C(from[i + l]) <= limit);
      else
        for (int l = 0; l < kWidth; ++l) any |= C(from[i + l]) < limit;
      if (any) break;
    }
  }
  while (i < n && !before(C(from[i * stride]))) ++i;
  return i;
}

inline KeyScanner key_scanner(DType dtype) {
  KeyScanner scanner = nullptr;
  visit_dtype(NumericTypes{}, dtype, [&]<class T>() { scanner = scan_keys<T>; });
  return scanner;
}

// A key and where it was found; ordered by key, then by place.
struct KeyedIndex {
  uint64_t key;
  int64_t index;
  bool operator<(const KeyedIndex& o) const { return key != o.key ? key < o.key : index < o.index; }
};

}  // namespace engine
