// Sorting long arrays in pieces of bounded cost, so that deadlines hold and threads help.
#pragma once

#include <algorithm>

#include "base/checked.h"
#include "ops/op.h"

namespace engine {

// How many of the first k elements of two sorted runs, merged, come from the first run (which goes first among equals).
template <class T, class Less>
int64_t merge_split(const T* a, int64_t na, const T* b, int64_t nb, int64_t k, const Less& less) {
  int64_t low = std::max<int64_t>(0, k - nb), high = std::min(k, na);
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (less(b[k - middle - 1], a[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Sorts data[0, n) with less(a, b), a total order; `spare` has room for n elements. ns: what a comparison costs.
template <class T, class Less>
Status tiled_sort(OpRun& r, T* data, T* spare, int64_t n, double ns, const Less& less) {
  constexpr int64_t kRun = 512, kPiece = 2048;
  ENGINE_TRY(r.parallel(ceil_div(n, kRun), kRun * 9 * (ns + 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) std::sort(data + i * kRun, data + std::min(n, (i + 1) * kRun), less);
  }));
  T *from = data, *to = spare;
  for (int64_t run = kRun; run < n; run *= 2) {
    const int64_t piece = std::min(2 * run, kPiece);
    ENGINE_TRY(r.parallel(ceil_div(n, piece), double(piece) * (ns + 2), [&](int64_t begin, int64_t end, int) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t first = p * piece, last = std::min(n, first + piece), base = first / (2 * run) * (2 * run);
        const T *a = from + base, *b = from + std::min(n, base + run);
        const int64_t na = std::min(run, n - base), nb = std::min(run, std::max<int64_t>(0, n - base - run));
        const int64_t a0 = merge_split(a, na, b, nb, first - base, less), a1 = merge_split(a, na, b, nb, last - base, less);
        std::merge(a + a0, a + a1, b + (first - base - a0), b + (last - base - a1), to + first, less);
      }
    }));
    std::swap(from, to);
  }
  if (from == data) return {};
  return r.parallel(n, 1, [&](int64_t begin, int64_t end, int) { std::copy(from + begin, from + end, data + begin); });
}

}  // namespace engine
