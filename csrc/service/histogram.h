// Counts of durations in logarithmic buckets: each power of two is cut into 16, so that a quantile is told within 3.2 %.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

namespace engine {

// The buckets' numbers: values below 16 ns one each, then 16 to each power of two, up to 2^39 ns (9 minutes) and all above.
struct Buckets {
  static constexpr int kPerOctave = 16;
  static constexpr int kLastOctave = 39;
  static constexpr int kCount = (kLastOctave - 4) * kPerOctave + kPerOctave + 1;

  static int of(int64_t ns) {
    uint64_t v = ns > 0 ? uint64_t(ns) : 0;
    if (v < kPerOctave) return int(v);
    int octave = 63 - std::countl_zero(v);
    if (octave >= kLastOctave) return kCount - 1;
    return (octave - 4) * kPerOctave + int(v >> (octave - 4));
  }
  // Bucket i holds the values in [lower(i), lower(i + 1)).
  static int64_t lower(int i) {
    if (i < kPerOctave) return i;
    int octave = i / kPerOctave + 3;
    return int64_t(i % kPerOctave + kPerOctave) << (octave - 4);
  }
  static_assert(kPerOctave == 16);
};

// One thread's share, or a few threads'. add() is wait-free.
class HistogramCell {
 public:
  void add(int64_t ns) {
    counts_[Buckets::of(ns)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(ns > 0 ? uint64_t(ns) : 0, std::memory_order_relaxed);
  }
  void reset();

 private:
  friend class Histogram;
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> counts_[Buckets::kCount] = {};
};

// The sum of cells, as read.
class Histogram {
 public:
  Histogram() : counts_(Buckets::kCount, 0) {}
  void add(const HistogramCell& cell);
  uint64_t count() const;
  // Nanoseconds.
  uint64_t sum() const { return sum_; }
  // The middle of the bucket that holds quantile q in (0, 1]; 0 when there are none.
  double quantile(double q) const;
  const std::vector<uint64_t>& counts() const { return counts_; }

 private:
  uint64_t sum_ = 0;
  std::vector<uint64_t> counts_;
};

}  // namespace engine
