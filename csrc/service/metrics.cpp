#include "service/metrics.h"

#include <algorithm>
#include <bit>

#include "sched/cpus.h"

namespace engine {
namespace {

constexpr size_t kMaxCells = 16;

struct Row {
  const char* name;
  const char* help;
};
#define ENGINE_OUTCOME(name, help) {#name, help},
constexpr Row kOutcomeRows[] = {
#include "service/metrics.inc"
};
#undef ENGINE_OUTCOME
#define ENGINE_COUNTER(name, help) {#name, help},
constexpr Row kCounterRows[] = {
#include "service/metrics.inc"
};
#undef ENGINE_COUNTER
#define ENGINE_HISTOGRAM(name, help) {#name, help},
constexpr Row kMeasureRows[] = {
#include "service/metrics.inc"
};
#undef ENGINE_HISTOGRAM

}  // namespace

const char* outcome_name(Outcome outcome) { return kOutcomeRows[size_t(outcome)].name; }
const char* counter_name(Counter counter) { return kCounterRows[size_t(counter)].name; }
const char* measure_name(Measure measure) { return kMeasureRows[size_t(measure)].name; }
const char* outcome_help(Outcome outcome) { return kOutcomeRows[size_t(outcome)].help; }
const char* counter_help(Counter counter) { return kCounterRows[size_t(counter)].help; }
const char* measure_help(Measure measure) { return kMeasureRows[size_t(measure)].help; }

Metrics::Metrics() {
  size_t cells = std::min(kMaxCells, std::bit_ceil(2 * size_t(available_cpus())));
  mask_ = cells - 1;
  cells_ = std::make_unique<Cell[]>(cells);
}

size_t Metrics::thread_number() {
  static std::atomic<size_t> next{0};
  thread_local size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

// Ends are read before starts, so that no call is seen to end that was not seen to start.
MetricsSnapshot Metrics::snapshot() const {
  MetricsSnapshot out;
  uint64_t ended = 0;
  for (size_t i = 0; i <= mask_; ++i)
    for (int o = 0; o < kOutcomes; ++o) {
      uint64_t count = cells_[i].outcomes[size_t(o)].load(std::memory_order_acquire);
      out.outcomes[size_t(o)] += count;
      ended += count;
    }
  for (size_t i = 0; i <= mask_; ++i) out.started += cells_[i].started.load(std::memory_order_acquire);
  out.in_flight = out.started - ended;
  for (int c = 0; c < kCounters; ++c) out.counters[size_t(c)] = counters_[size_t(c)].load(std::memory_order_relaxed);
  for (size_t i = 0; i <= mask_; ++i)
    for (int m = 0; m < kMeasures; ++m) out.histograms[size_t(m)].add(cells_[i].histograms[size_t(m)]);
  return out;
}

void Metrics::reset() {
  for (size_t i = 0; i <= mask_; ++i) {
    cells_[i].started.store(0);
    for (auto& outcome : cells_[i].outcomes) outcome.store(0);
    for (auto& histogram : cells_[i].histograms) histogram.reset();
  }
  for (auto& counter : counters_) counter.store(0);
}

}  // namespace engine
