#include "sched/run_context.h"

#include <new>

namespace engine {
namespace {

// Tiles may begin small. They grow up to `most` items while they take less than half of kTileNs, and shrink when one took
// longer: a cost that was told too low, or a slow machine, does not keep the caller from its clock.
//
// Each worker has a stretch of the items that it begins with, the same from step to step: what it wrote in one step lies in its
// core's cache when the next reads it, and weights stay with the core that used them. Who is done takes from the others.
constexpr int kStretches = 16;
struct alignas(64) Stretch {
  std::atomic<int64_t> next;
  int64_t end;
};

struct TileJob {
  Stretch stretches[kStretches];
  alignas(64) std::atomic<int64_t> tile;
  int64_t most;
  int count;
  void (*fn)(void*, int64_t, int64_t, int);
  void* body;
  RunControl* control;
};

// By how long the calling thread's last tile took; only a call with a deadline reads the clock.
void adapt(TileJob& job, int64_t begun_ns, int64_t ended_ns) {
  if (begun_ns == 0) return;
  int64_t tile = job.tile.load(std::memory_order_relaxed), changed = tile;
  double took = double(ended_ns - begun_ns);
  if (took > 1.25 * kTileNs) changed = std::max<int64_t>(1, int64_t(double(tile) * kTileNs / took));
  else if (took < 0.5 * kTileNs) changed = std::min(job.most, 2 * tile);
  if (changed != tile) job.tile.store(changed, std::memory_order_relaxed);
}

void cut(TileJob& job, int64_t items, int64_t tile, int workers) {
  job.count = std::min(workers, kStretches);
  const int64_t tiles = (items + tile - 1) / tile;
  for (int i = 0; i < job.count; ++i) {
    job.stretches[i].next.store(tiles * i / job.count * tile, std::memory_order_relaxed);
    job.stretches[i].end = std::min(items, tiles * (i + 1) / job.count * tile);
  }
}

bool claim(TileJob& job, int worker, int64_t* begin, int64_t* end) {
  const int64_t tile = job.tile.load(std::memory_order_relaxed);
  for (int i = 0; i < job.count; ++i) {
    Stretch& s = job.stretches[(worker + i) % job.count];
    if (s.next.load(std::memory_order_relaxed) >= s.end) continue;
    *begin = s.next.fetch_add(tile, std::memory_order_relaxed);
    *end = std::min(*begin + tile, s.end);
    if (*begin < s.end) return true;
  }
  return false;
}

// A helper looks at the clock as the caller does, which may be kept from its CPU, by this very helper perhaps. It claims no more
// tiles then; the caller, who meets them, says that the call is over.
bool helper_goes_on(const RunControl& control) {
  return control.go() && ThreadPool::may_stay() && (control.deadline_ns() == kNever || now_ns() < control.deadline_ns());
}

void claim_tiles(TileJob& job, int worker) {
  for (int64_t begun_ns = 0;;) {
    bool go = worker == 0 ? job.control->check() : helper_goes_on(*job.control);
    if (!go) return;
    if (worker == 0) {
      if (job.count > 1) ThreadPool::ask_again();
      adapt(job, begun_ns, job.control->checked_ns());
      begun_ns = job.control->checked_ns();
    }
    int64_t begin, end;
    if (!claim(job, worker, &begin, &end)) return;
    job.fn(job.body, begin, end, worker);
  }
}

// Nothing may be thrown on a helper, which belongs to no call.
void work(void* arg, int worker) {
  TileJob& job = *static_cast<TileJob*>(arg);
  try {
    claim_tiles(job, worker);
  } catch (const std::bad_alloc&) {
    job.control->out_of_memory();
  }
}

}  // namespace

int64_t RunContext::tile_items(int64_t items, double ns_per_item) const {
  double ns = kTileNs;
  if (threads_ > 1) ns = std::clamp(double(items) * ns_per_item / (threads_ * 4.0), kMinTileNs, kTileNs);
  return std::clamp<int64_t>(int64_t(ns / ns_per_item), 1, items);
}

Status RunContext::run_tiles(int64_t items, double ns_per_item, TileFn fn, void* body) {
  int64_t tile = tile_items(items, ns_per_item);
  TileJob job;
  job.most = tile;
  job.tile = control_.deadline_ns() == kNever ? tile : std::clamp<int64_t>(int64_t(kFirstTileNs / ns_per_item), 1, tile);
  job.fn = fn;
  job.body = body;
  job.control = &control_;
  int64_t tiles = (items + tile - 1) / tile;
  int helpers = int(std::min<int64_t>(threads_ - 1, tiles - 1));
  cut(job, items, tile, helpers + 1);
  if (helpers <= 0) work(&job, 0);
  else if (control_.check()) ThreadPool::instance().run(helpers, work, &job);
  return control_.go() ? Status() : control_.status();
}

}  // namespace engine
