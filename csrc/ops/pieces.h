// Sequential work that must look at the clock now and then.
#pragma once

#include <algorithm>

#include "ops/op.h"

namespace engine {

// fn(begin, end) over [0, n) in order, in pieces of at most `piece` items, with a checkpoint after each.
template <class Fn>
Status in_pieces(OpRun& r, int64_t n, int64_t piece, Fn&& fn) {
  for (int64_t begin = 0; begin < n; begin += piece) {
    fn(begin, std::min(n, begin + piece));
    ENGINE_TRY(r.checkpoint());
  }
  return {};
}

}  // namespace engine
