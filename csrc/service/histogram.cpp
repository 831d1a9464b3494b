#include "service/histogram.h"

#include <cmath>
#include <numeric>

namespace engine {

void HistogramCell::reset() {
  sum_.store(0, std::memory_order_relaxed);
  for (std::atomic<uint64_t>& count : counts_) count.store(0, std::memory_order_relaxed);
}

void Histogram::add(const HistogramCell& cell) {
  sum_ += cell.sum_.load(std::memory_order_relaxed);
  for (int i = 0; i < Buckets::kCount; ++i) counts_[size_t(i)] += cell.counts_[i].load(std::memory_order_relaxed);
}

uint64_t Histogram::count() const { return std::accumulate(counts_.begin(), counts_.end(), uint64_t(0)); }

double Histogram::quantile(double q) const {
  uint64_t total = count();
  if (total == 0) return 0;
  uint64_t rank = uint64_t(std::ceil(q * double(total)));
  uint64_t seen = 0;
  int i = 0;
  while (i < Buckets::kCount - 1 && (seen += counts_[size_t(i)]) < rank) ++i;
  if (i < Buckets::kPerOctave || i == Buckets::kCount - 1) return double(Buckets::lower(i));
  return 0.5 * double(Buckets::lower(i) + Buckets::lower(i + 1));
}

}  // namespace engine
