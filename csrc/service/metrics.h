// What happened to a model's calls: counts by outcome and durations. The lists are in metrics.inc.
#pragma once

#include <array>
#include <vector>

#include "sched/fork.h"
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

// The counters of one version of a model. Plain words without pointers, all zero at first, so that they may lie in memory that
// processes share. Thread-safe; counting is wait-free: threads share out a few cells.
class MetricsBlock {
 public:
  // Cells of every block of this process, and the size of a block with them.
  static size_t cells();
  static size_t bytes();
  // A block on `memory`. REQUIRES: aligned to 64; bytes() long; zero, or what a block of as many cells left there.
  static MetricsBlock* on(void* memory) { return static_cast<MetricsBlock*>(memory); }

  void start() { cell().started.fetch_add(1, std::memory_order_relaxed); }
  // Ends a call that was started. REQUIRES: once a call.
  void end(Outcome outcome) { cell().outcomes[size_t(outcome)].fetch_add(1, std::memory_order_release); }
  void measure(Measure m, int64_t ns) { cell().histograms[size_t(m)].add(ns); }
  void count(Counter c) { counters_[size_t(c)].fetch_add(1, std::memory_order_relaxed); }

  void add_to(MetricsSnapshot& sum) const;
  uint64_t in_flight() const;
  // Moves what `from` has counted here. REQUIRES: no call that counts there is under way.
  void take_from(MetricsBlock& from);
  void reset();

 private:
  struct alignas(64) Cell {
    std::atomic<uint64_t> started{0};
    std::array<std::atomic<uint64_t>, kOutcomes> outcomes{};
    std::array<HistogramCell, kMeasures> histograms{};
  };
  using Ends = std::array<uint64_t, kOutcomes>;  // calls by outcome
  Ends ends() const;
  uint64_t starts() const;
  Cell* all() const { return reinterpret_cast<Cell*>(const_cast<MetricsBlock*>(this) + 1); }
  Cell& cell() { return all()[thread_number() & (cells() - 1)]; }
  static size_t thread_number();

  alignas(64) std::array<std::atomic<uint64_t>, kCounters> counters_;
};

// Where a version is counted.
class MetricsPlace {
 public:
  virtual ~MetricsPlace() = default;
  // A block in memory that processes share and that is never unmapped; null: in memory of this process. Takes no part in fork().
  virtual MetricsBlock* block_of(int version) = 0;
};

// A model's counters: a block for each of its versions, the latest kVersions; those before are counted together.
class Metrics {
 public:
  static constexpr size_t kVersions = 16;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Where a call that begins now is counted, from its beginning to its end. It outlives the call.
  MetricsBlock& current() { return *current_.load(std::memory_order_acquire); }
  // From now on calls that begin are counted for this version, on `shared` when that is not null: a block in memory that is never
  // unmapped. What the version has counted in memory of this process moves there, unless a call is under way on it. When this
  // throws std::bad_alloc they are counted where they were.
  void count_for(int version, MetricsBlock* shared = nullptr);

  // Of all versions, and of one (nothing but zeros when it is not known).
  MetricsSnapshot snapshot() const;
  MetricsSnapshot snapshot_of(int version) const;
  // Those that have a block, the oldest first.
  std::vector<int> versions() const;
  // In a forked child: counts from zero, in memory of its own.
  void reset_after_fork();

 private:
  struct Entry {
    int version;
    MetricsBlock* block;
    bool shared;
  };
  MetricsBlock* own_block();
  MetricsBlock* block_of(int version) const;

  std::atomic<MetricsBlock*> current_;
  mutable ForkMutex mutex_;  // guards what follows
  std::vector<Entry> entries_;
  MetricsBlock* before_;  // of versions that have no block any more
};

}  // namespace engine
