// How many threads do what, in one atomic word: every decision about helpers reads one consistent picture.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace engine {

struct Census {
  int callers = 0;   // threads that compute a call of their own
  int busy = 0;      // helpers that work on a job
  int awake = 0;     // helpers that look for a job, are being woken or started
  int sleeping = 0;  // helpers that sleep and that nobody has woken

  int threads() const { return busy + awake + sleeping; }

  // Whether one more helper may work. A lone caller gets all the helpers it asks for, even beyond the CPUs; calls side
  // by side get only the CPUs that they leave idle, since a helper would only take a CPU from another caller.
  bool may_help(int cpus) const { return callers <= 1 || callers + busy < cpus; }

  // Whether a helper that works may go on; else there are more threads than CPUs, one of which is another caller's.
  bool may_stay(int cpus) const { return callers <= 1 || callers + busy <= cpus; }

  // Whether a helper that spins takes its CPU from someone.
  bool crowded(int cpus) const { return callers + busy + awake > cpus; }

  // How many helpers a job with `places` open wants beyond those awake.
  int missing(int places, int cpus) const {
    int room = callers <= 1 ? places : std::clamp(cpus - callers - busy, 0, places);
    return std::max(0, room - awake);
  }
};

// Thread-safe; all operations are sequentially consistent.
class CensusWord {
 public:
  Census read() const { return unpack(word_.load()); }

  // change(Census&) edits a copy and returns whether to publish it; it may run several times. Returns what it returned
  // last.
  template <class Change>
  bool update(Change&& change) {
    uint64_t word = word_.load();
    for (;;) {
      Census census = unpack(word);
      if (!change(census)) return false;
      if (word_.compare_exchange_weak(word, pack(census))) return true;
    }
  }

  void add_caller() { word_.fetch_add(kCaller); }
  // The census just after.
  Census remove_caller() { return unpack(word_.fetch_sub(kCaller) - kCaller); }
  void reset(const Census& census) { word_.store(pack(census)); }

 private:
  static constexpr uint64_t kCaller = uint64_t(1) << 48;
  static Census unpack(uint64_t w) {
    return {int(w >> 48), int(w >> 32 & 0xffff), int(w >> 16 & 0xffff), int(w & 0xffff)};
  }
  static uint64_t pack(const Census& c) {
    return uint64_t(c.callers) << 48 | uint64_t(c.busy) << 32 | uint64_t(c.awake) << 16 | uint64_t(c.sleeping);
  }
  std::atomic<uint64_t> word_{0};
};

}  // namespace engine
