#include "plan/preparation.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "sched/thread_pool.h"

namespace engine {
namespace {

constexpr int64_t kParallelBytes = int64_t(1) << 20;  // of constants, from which on helpers are asked

std::vector<const TypeInfo*> input_types(const Graph& graph, const Node& node) {
  std::vector<const TypeInfo*> types;
  for (ValueId v : node.inputs) types.push_back(v < 0 ? nullptr : &graph[v].type);
  return types;
}

std::vector<std::shared_ptr<const Tensor>> input_constants(const Graph& graph, const Node& node) {
  std::vector<std::shared_ptr<const Tensor>> constants;
  for (ValueId v : node.inputs) constants.push_back(v < 0 ? nullptr : graph[v].constant);
  return constants;
}

std::vector<const Tensor*> tensors_of(std::span<const std::shared_ptr<const Tensor>> constants) {
  std::vector<const Tensor*> tensors;
  for (const std::shared_ptr<const Tensor>& constant : constants) tensors.push_back(constant.get());
  return tensors;
}

Status prepare(Preparation& p) {
  try {
    Status status = p.op->prepare(p.context);
    return status.ok() ? Status() : std::move(status).with_context(p.node.label());
  } catch (const std::bad_alloc&) {
    return error(Code::MemoryLimitExceeded, "the system refuses the memory that a plan needs");
  }
}

struct Job {
  std::span<const std::unique_ptr<Preparation>> all;
  std::vector<Status> found;
  std::atomic<size_t> next{0};

  void work() {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < all.size();) found[i] = prepare(*all[i]);
  }
};

}  // namespace

Result<RefPtr<Buffer>> PackRecorder::get(const Packing& packing) {
  for (const std::shared_ptr<const Tensor>& source : packing.sources) packed_.push_back(source.get());
  return cache_->get(packing);
}

bool PackRecorder::packed(const Tensor* constant) const { return std::find(packed_.begin(), packed_.end(), constant) != packed_.end(); }

Preparation::Preparation(const Graph& graph, const Node& n, const PlanOptions& options)
    : node(n),
      types(input_types(graph, n)),
      constants(input_constants(graph, n)),
      values(tensors_of(constants)),
      op(n.def->make()),
      recorder(options.cache),
      context(n, types, values) {
  context.bodies_ = &bodies;
  if (options.cache) context.cache_ = &recorder;
  context.account_ = options.account;
  context.constants_ = constants;
  context.threads_ = options.threads;
}

int64_t Preparation::constant_bytes() const {
  int64_t total = 0;
  for (const Tensor* value : values)
    if (value) total += value->bytes();
  return total;
}

Status run_preparations(std::span<const std::unique_ptr<Preparation>> all, int threads) {
  int64_t bytes = 0;
  for (const std::unique_ptr<Preparation>& p : all) bytes += p->constant_bytes();
  if (threads < 2 || bytes < kParallelBytes) {
    for (const std::unique_ptr<Preparation>& p : all) ENGINE_TRY(prepare(*p));
    return {};
  }
  Job job{all, std::vector<Status>(all.size()), 0};
  ThreadPool::instance().run(threads - 1, [](void* arg, int) { static_cast<Job*>(arg)->work(); }, &job);
  for (Status& status : job.found) ENGINE_TRY(std::move(status));
  return {};
}

}  // namespace engine
