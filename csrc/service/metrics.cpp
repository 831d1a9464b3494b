#include "service/metrics.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sched/cpus.h"

namespace engine {
namespace {

constexpr size_t kMaxCells = 16;
// Of one block's snapshot, which meets no call's end within some 100 ns sooner or later.
constexpr int kSnapshotAttempts = 100;

uint64_t total(const std::array<uint64_t, kOutcomes>& ends) { return std::accumulate(ends.begin(), ends.end(), uint64_t(0)); }

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

size_t MetricsBlock::cells() {
  static const size_t count = std::min(kMaxCells, std::bit_ceil(2 * size_t(available_cpus())));
  return count;
}

size_t MetricsBlock::bytes() { return sizeof(MetricsBlock) + cells() * sizeof(Cell); }

size_t MetricsBlock::thread_number() {
  static std::atomic<size_t> next{0};
  thread_local size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

MetricsBlock::Ends MetricsBlock::ends() const {
  Ends sum{};
  for (size_t i = 0; i < cells(); ++i)
    for (size_t o = 0; o < size_t(kOutcomes); ++o) sum[o] += all()[i].outcomes[o].load(std::memory_order_acquire);
  return sum;
}

uint64_t MetricsBlock::starts() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < cells(); ++i) sum += all()[i].started.load(std::memory_order_acquire);
  return sum;
}

uint64_t MetricsBlock::in_flight() const {
  uint64_t ended = total(ends());
  return starts() - ended;
}

// Ends are read before starts, so that no call is seen to end that was not seen to start, and once more after them: calls that
// began and ended in between would all be taken for calls in flight.
void MetricsBlock::add_to(MetricsSnapshot& sum) const {
  Ends ended = ends();
  uint64_t started = starts();
  for (int attempt = 0; attempt < kSnapshotAttempts; ++attempt) {
    Ends after = ends();
    if (after == ended) break;
    ended = after;
    started = starts();
  }
  for (size_t o = 0; o < size_t(kOutcomes); ++o) sum.outcomes[o] += ended[o];
  sum.started += started;
  sum.in_flight += started - total(ended);
  for (int c = 0; c < kCounters; ++c) sum.counters[size_t(c)] += counters_[size_t(c)].load(std::memory_order_relaxed);
  for (size_t i = 0; i < cells(); ++i)
    for (int m = 0; m < kMeasures; ++m) sum.histograms[size_t(m)].add(all()[i].histograms[size_t(m)]);
}

void MetricsBlock::take_from(MetricsBlock& from) {
  auto* to_words = reinterpret_cast<std::atomic<uint64_t>*>(this);
  auto* from_words = reinterpret_cast<std::atomic<uint64_t>*>(&from);
  for (size_t i = 0; i < bytes() / sizeof(uint64_t); ++i)
    if (uint64_t count = from_words[i].exchange(0)) to_words[i].fetch_add(count);
}

void MetricsBlock::reset() {
  auto* words = reinterpret_cast<std::atomic<uint64_t>*>(this);
  for (size_t i = 0; i < bytes() / sizeof(uint64_t); ++i) words[i].store(0, std::memory_order_relaxed);
}

}  // namespace engine
