#include "plan/machine_peak.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>

#include "base/memory.h"
#include "kernels/peak/peak.h"
#include "sched/clock.h"

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace engine {
namespace {

constexpr int kRounds = 8;
constexpr int64_t kSteps = 20000;              // of multiply-adds a round
constexpr int64_t kReadAtLeast = 4 << 20;      // bytes a round and thread
constexpr int64_t kMemoryAtLeast = 64 << 20;   // bytes that no cache keeps

int64_t cache_bytes(int level, int64_t otherwise) {
#if defined(_SC_LEVEL2_CACHE_SIZE) && defined(_SC_LEVEL3_CACHE_SIZE)
  const long found = ::sysconf(level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
  if (found > 0) return int64_t(found);
#endif
  return otherwise;
}

// Work units a second of all threads, each with its best round.
template <class Work>
double best_rate(int threads, double units, const Work& work) {
  std::vector<double> best(size_t(threads), 0.0);
  std::atomic<uint32_t> sink{0};
  auto measure = [&](int t) {
    for (int round = 0; round < kRounds; ++round) {
      const int64_t begin = now_ns();
      const float result = work(t);
      best[size_t(t)] = std::max(best[size_t(t)], units / double(std::max<int64_t>(1, now_ns() - begin)));
      uint32_t bits;
      std::memcpy(&bits, &result, sizeof bits);
      sink.fetch_xor(bits, std::memory_order_relaxed);
    }
  };
  std::vector<std::thread> others;
  others.reserve(size_t(threads));
  try {
    for (int t = 1; t < threads; ++t) others.emplace_back(measure, t);
  } catch (const std::system_error&) {
  }
  measure(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (double rate : best) sum += rate;
  return sum;
}

// `memory` has `bytes` for each thread.
double read_rate(int threads, const float* memory, int64_t bytes) {
  const PeakKernels& kernels = peak_kernels();
  const int64_t n = bytes / int64_t(sizeof(float)), repeats = std::max<int64_t>(1, kReadAtLeast / std::max<int64_t>(1, bytes));
  return best_rate(threads, double(n * int64_t(sizeof(float)) * repeats), [&](int t) {
    float sum = 0;
    for (int64_t i = 0; i < repeats; ++i) sum += kernels.read(memory + t * n, n);
    return sum;
  });
}

}  // namespace

Result<MachinePeak> measure_peak(int threads) {
  const PeakKernels& kernels = peak_kernels();
  const int64_t l2 = cache_bytes(2, int64_t(1) << 20), l3 = std::max(cache_bytes(3, int64_t(8) << 20), l2);
  const int64_t uncached = std::max(kMemoryAtLeast, 4 * l3);
  ENGINE_ASSIGN(RefPtr<Buffer> memory, Buffer::allocate_lasting(std::max(uncached, threads * l2), nullptr, "measuring the machine"));
  std::memset(memory->data(), 0, size_t(memory->size()));
  const float* data = reinterpret_cast<const float*>(memory->data());
  MachinePeak peak;
  peak.threads = threads;
  peak.gflops = best_rate(threads, double(kernels.flops_per_step * kSteps), [&](int) { return kernels.multiply_add(kSteps); });
  auto add = [&](const char* name, int64_t fits, int64_t bytes) {
    peak.levels.push_back({name, fits, read_rate(threads, data, bytes / threads / 4096 * 4096)});
  };
  add("L2", threads * l2, threads * l2 / 2);
  if (l3 > threads * l2) add("L3", l3, l3 / 2);
  add("memory", 0, uncached);
  return peak;
}

}  // namespace engine
