// Runs the thread pool hard from many callers and checks the results. Bodies write plain memory that their caller reads
// afterwards, so that the thread sanitizer sees every missing ordering. Exit code 0 when all is right.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "sched/run_context.h"

namespace {

using engine::CancelToken;
using engine::RunContext;
using engine::RunControl;
using engine::ThreadPool;

struct SumJob {
  std::vector<int64_t> out;
  std::atomic<int64_t> next{0};
  int depth;

  static void body(void* arg, int) {
    SumJob& job = *static_cast<SumJob*>(arg);
    for (int64_t i; (i = job.next.fetch_add(1, std::memory_order_relaxed)) < int64_t(job.out.size());)
      job.out[i] = job.depth > 0 ? compute(job.depth - 1, 4) : i;
  }

  static int64_t compute(int depth, int items) {
    SumJob job;
    job.out.assign(items, -1);
    job.depth = depth;
    ThreadPool::instance().run(3, body, &job);
    int64_t sum = 0;
    for (int64_t value : job.out) sum += value;
    return sum;
  }
};

bool sums_are_right(unsigned seed) {
  if (SumJob::compute(0, 16) != 16 * 15 / 2) return false;
  if (SumJob::compute(1, 5) != 5 * 6) return false;
  if (seed % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(80));
  return true;
}

bool parallel_is_right(unsigned seed) {
  auto token = engine::make_ref<CancelToken>();
  const bool cancel = seed % 3 == 0, no_memory = seed % 7 == 3;
  RunControl control(seed % 5 == 0 ? engine::now_ns() + 50000 : engine::kNever, token.get());
  RunContext ctx(control, 3);
  std::vector<int> seen(200, 0);
  engine::Status status;
  try {
    status = ctx.parallel(200, 5e3, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) ++seen[i];
      if (cancel && begin > 100) token->cancel();
      if (no_memory && begin > 50) throw std::bad_alloc();
    });
    if (no_memory && status.ok()) return false;
  } catch (const std::bad_alloc&) {  // thrown by a tile of this thread; those of helpers are a verdict
    if (!no_memory) return false;
    status = engine::error(engine::Code::MemoryLimitExceeded, "a tile");
  }
  for (int count : seen) {
    if (count > 1 || (count == 0 && status.ok())) return false;
  }
  return true;
}

int count_wrong(int rounds, int callers) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < callers; ++c) {
    threads.emplace_back([&, c] {
      for (int r = 0; r < rounds; ++r) wrong += !sums_are_right(r * callers + c) + !parallel_is_right(r * callers + c);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  int wrong = 0;
  for (int cpus : {0, 1, 4, 16}) {
    ThreadPool::instance().set_cpus_for_testing(cpus);
    for (int callers : {1, 3, 8, 100}) wrong += count_wrong(rounds / callers, callers);
  }
  std::printf("%d wrong, %d helper threads\n", wrong, ThreadPool::instance().threads());
  return wrong ? 1 : 0;
}
