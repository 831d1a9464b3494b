// Long work that must look at the clock now and then.
#pragma once

#include <algorithm>

#include "ops/op.h"

namespace engine {

// fn(begin, end) over [0, n) in order, in pieces of at most `piece` items, with a checkpoint after each. For the calling thread.
template <class Fn>
Status in_pieces(OpRun& r, int64_t n, int64_t piece, Fn&& fn) {
  for (int64_t begin = 0; begin < n; begin += piece) {
    fn(begin, std::min(n, begin + piece));
    ENGINE_TRY(r.checkpoint());
  }
  return {};
}

// Within an item of OpRun::parallel that may take longer than a tile should: false when the call must stop, and the item be
// left as it is.
inline bool goes_on(OpRun& r, int worker) {
  RunControl& control = r.context().control();
  return worker == 0 ? control.check() : control.go();
}

// fn(begin, end) over [0, n) in order within such an item, asking goes_on() between pieces. False when it stopped.
template <class Fn>
bool within_item(OpRun& r, int worker, int64_t n, int64_t piece, Fn&& fn) {
  for (int64_t begin = 0; begin < n; begin += piece) {
    if (begin > 0 && !goes_on(r, worker)) return false;
    fn(begin, std::min(n, begin + piece));
  }
  return true;
}

}  // namespace engine
