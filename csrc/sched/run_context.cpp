#include "sched/run_context.h"

namespace engine {
namespace {

struct TileJob {
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) int64_t items;
  int64_t tile;
  void (*fn)(void*, int64_t, int64_t, int);
  void* body;
  RunControl* control;
};

void work(void* arg, int worker) {
  TileJob& job = *static_cast<TileJob*>(arg);
  for (;;) {
    bool go = worker == 0 ? job.control->check() : job.control->go();
    if (!go) return;
    int64_t begin = job.next.fetch_add(job.tile, std::memory_order_relaxed);
    if (begin >= job.items) return;
    job.fn(job.body, begin, std::min(begin + job.tile, job.items), worker);
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
  job.tile = tile;
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
