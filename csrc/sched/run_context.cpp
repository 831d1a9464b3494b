#include "sched/run_context.h"

namespace engine {
namespace {

// Tiles begin small and grow up to `most` items while they take less than half of kTileNs, and shrink when one took longer: a
// cost that was told too low, or a slow machine, does not keep the caller from its clock.
struct TileJob {
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<int64_t> tile;
  int64_t items, most;
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

void work(void* arg, int worker) {
  TileJob& job = *static_cast<TileJob*>(arg);
  for (int64_t begun_ns = 0;;) {
    bool go = worker == 0 ? job.control->check() : job.control->go();
    if (!go) return;
    if (worker == 0) {
      adapt(job, begun_ns, job.control->checked_ns());
      begun_ns = job.control->checked_ns();
    }
    int64_t tile = job.tile.load(std::memory_order_relaxed), begin = job.next.fetch_add(tile, std::memory_order_relaxed);
    if (begin >= job.items) return;
    job.fn(job.body, begin, std::min(begin + tile, job.items), worker);
  }
}

}  // namespace

int64_t RunContext::tile_items(int64_t items, double ns_per_item, double total) const {
  double ns = kTileNs;
  if (threads_ > 1) ns = std::clamp(total / (threads_ * 4.0), kMinTileNs, kTileNs);
  return std::clamp<int64_t>(int64_t(ns / ns_per_item), 1, items);
}

Status RunContext::run_tiles(int64_t items, int64_t tile, TileFn fn, void* body) {
  TileJob job;
  job.items = items;
  job.most = tile;
  job.tile = control_.deadline_ns() == kNever ? tile : std::max<int64_t>(1, tile / 4);
  job.fn = fn;
  job.body = body;
  job.control = &control_;
  int64_t tiles = (items + tile - 1) / tile;
  int helpers = int(std::min<int64_t>(threads_ - 1, tiles - 1));
  if (helpers <= 0) work(&job, 0);
  else if (control_.check()) ThreadPool::instance().run(helpers, work, &job);
  return control_.go() ? Status() : control_.status();
}

}  // namespace engine
