// What a running step sees of its call: when to stop, the threads it may use, its scratch memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/status.h"
#include "sched/run_control.h"
#include "sched/thread_pool.h"

namespace engine {

// About how long one tile takes at most: time is read between tiles.
inline constexpr double kTileNs = 100e3;
// With a deadline the first tiles take about this long; they grow while the cost proves true.
inline constexpr double kFirstTileNs = kTileNs / 4;
// Below this a second thread costs more than it brings.
inline constexpr double kParallelNs = 12e3;
// No tile is cut smaller than this for the sake of balance.
inline constexpr double kMinTileNs = 4e3;

// Lives on the calling thread for as long as the call computes: constructed, used and destroyed there. Only what says
// otherwise may be used by the bodies that run on helpers.
class RunContext {
 public:
  // threads: how many threads this call may use, itself included. scratch: threads * scratch_per_worker bytes, may be null.
  RunContext(RunControl& control, int threads, char* scratch = nullptr, int64_t scratch_per_worker = 0)
      : control_(control), threads_(threads), scratch_(scratch), scratch_per_worker_(scratch_per_worker) {}

  RunControl& control() const { return control_; }
  int threads() const { return threads_; }

  // Worker `worker`'s scratch memory, for the body that runs as that worker; the size is what the plan's steps asked for at most.
  char* scratch(int worker) const { return scratch_ + worker * scratch_per_worker_; }
  int64_t scratch_size() const { return scratch_per_worker_; }

  // A checkpoint outside parallel(): null while the call may go on.
  Status checkpoint() { return control_.check() ? Status() : control_.status(); }
  // The same after work of about `ns`, for which the clock need not be read when that is little: see RunControl::check_after.
  Status checkpoint_after(double ns) { return control_.check_after(ns) ? Status() : control_.status(); }

  // Runs body(begin, end, worker) over [0, items) in tiles of about kTileNs or less, given what one item costs in
  // nanoseconds on one thread, on up to threads() threads. Tiles are claimed, not dealt out. Every item is in exactly one
  // tile; what a tile computes must not depend on where it begins and ends. Returns null when all items were done, else why
  // the call stops. The calling thread reads the clock between its tiles, which shrink where the cost proves too low. REQUIRES: not called from within a body, whose
  // worker indices and scratch it would use twice.
  template <class Body>
  Status parallel(int64_t items, double ns_per_item, Body&& body) {
    if (items <= 0) return checkpoint_after(0);
    double total = double(items) * ns_per_item;
    if (total <= (threads_ > 1 ? kParallelNs : kFirstTileNs)) {
      body(int64_t(0), items, 0);
      return checkpoint_after(total);
    }
    using Fn = std::remove_reference_t<Body>;
    return run_tiles(items, ns_per_item, [](void* fn, int64_t b, int64_t e, int w) { (*static_cast<Fn*>(fn))(b, e, w); },
                     const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using TileFn = void (*)(void* body, int64_t begin, int64_t end, int worker);
  int64_t tile_items(int64_t items, double ns_per_item) const;
  Status run_tiles(int64_t items, double ns_per_item, TileFn fn, void* body);

  CallScope call_;
  RunControl& control_;
  int threads_;
  char* scratch_;
  int64_t scratch_per_worker_;
};

}  // namespace engine
