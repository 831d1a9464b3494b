// What happened to a model's calls: counts by outcome and durations. The lists are in metrics.inc.
#pragma once

#include <array>
#include <memory>

#include "service/histogram.h"

namespace engine {

enum class Outcome : int {
#define ENGINE_OUTCOME(name, help) name,
#include "service/metrics.inc"
#undef ENGINE_OUTCOME
  kCount
};

enum class Counter : int {
#define ENGINE_COUNTER(name, help) name,
#include "service/metrics.inc"
#undef ENGINE_COUNTER
  kCount
};

enum class Measure : int {
#define ENGINE_HISTOGRAM(name, help) name,
#include "service/metrics.inc"
#undef ENGINE_HISTOGRAM
  kCount
};

inline constexpr int kOutcomes = int(Outcome::kCount);
inline constexpr int kCounters = int(Counter::kCount);
inline constexpr int kMeasures = int(Measure::kCount);

const char* outcome_name(Outcome outcome);
const char* counter_name(Counter counter);
const char* measure_name(Measure measure);
const char* outcome_help(Outcome outcome);
const char* counter_help(Counter counter);
const char* measure_help(Measure measure);

// A snapshot. started == the sum of outcomes + in_flight.
struct MetricsSnapshot {
  uint64_t started = 0, in_flight = 0;
  std::array<uint64_t, kOutcomes> outcomes{};
  std::array<uint64_t, kCounters> counters{};
  std::array<Histogram, kMeasures> histograms;
};

// Thread-safe; counting is wait-free: threads share out a few cells.
class Metrics {
 public:
  Metrics();

  void start() { cell().started.fetch_add(1, std::memory_order_relaxed); }
  // Ends a call that was started. REQUIRES: once a call.
  void end(Outcome outcome) { cell().outcomes[size_t(outcome)].fetch_add(1, std::memory_order_release); }
  void measure(Measure m, int64_t ns) { cell().histograms[size_t(m)].add(ns); }
  void count(Counter c) { counters_[size_t(c)].fetch_add(1, std::memory_order_relaxed); }

  MetricsSnapshot snapshot() const;
  void reset();

 private:
  struct alignas(64) Cell {
    std::atomic<uint64_t> started{0};
    std::array<std::atomic<uint64_t>, kOutcomes> outcomes{};
    std::array<HistogramCell, kMeasures> histograms{};
  };
  Cell& cell() { return cells_[thread_number() & mask_]; }
  static size_t thread_number();

  size_t mask_;
  std::unique_ptr<Cell[]> cells_;
  std::array<std::atomic<uint64_t>, kCounters> counters_{};
};

}  // namespace engine
