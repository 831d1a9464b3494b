// What recent calls took: a running mean and deviation.
#pragma once

#include <atomic>
#include <cstdint>

namespace engine {

// Thread-safe; calls that end at the same moment may count as one.
class CallTime {
 public:
  // A call that ran to its end took `ns`.
  void record(int64_t ns) {
    int64_t mean = mean_.load(std::memory_order_relaxed);
    if (mean == 0) return mean_.store(ns > 0 ? ns : 1, std::memory_order_relaxed);
    int64_t off = ns - mean, deviation = deviation_.load(std::memory_order_relaxed);
    mean_.store(mean + off / 8, std::memory_order_relaxed);
    deviation_.store(deviation + ((off < 0 ? -off : off) - deviation) / 8, std::memory_order_relaxed);
  }
  // A call was stopped after `ns`: it takes at least that.
  void record_at_least(int64_t ns) {
    if (ns > mean_.load(std::memory_order_relaxed)) record(ns);
  }
  // Nanoseconds that a call is expected to take at most; 0: none has ended yet.
  int64_t expected() const { return mean_.load(std::memory_order_relaxed) + 2 * deviation_.load(std::memory_order_relaxed); }
  int64_t mean() const { return mean_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> mean_{0}, deviation_{0};
};

}  // namespace engine
