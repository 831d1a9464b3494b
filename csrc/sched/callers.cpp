#include "sched/callers.h"

#include <bit>

#include "sched/spin.h"

namespace engine {
namespace {

constexpr uint32_t kHeld = 1, kWaits = 2;

uint32_t word_of(int number) { return uint32_t(number) << 2; }
uint64_t bit(int place) { return uint64_t(1) << place; }

// Changes `word` from `from` to `to`, if it is not that already, as soon as nobody holds it: often a helper whose CPU this thread was
// just moved to.
void change(std::atomic<uint32_t>& word, uint32_t from, uint32_t to) {
  for (BriefWait wait;; wait.pause()) {
    uint32_t expected = from;
    if (word.compare_exchange_strong(expected, to, std::memory_order_acq_rel) || expected == to) return;
  }
}

}  // namespace

int Callers::enter() {
  uint64_t used = used_.load(std::memory_order_relaxed);
  for (;;) {
    const int place = std::countr_one(used);
    if (place == kMost) return -1;
    if (!used_.compare_exchange_weak(used, used | bit(place), std::memory_order_acquire)) continue;
    places_[place].cpu.store(current_cpu(), std::memory_order_relaxed);
    places_[place].word.store(word_of(thread_number()), std::memory_order_release);
    return place;
  }
}

void Callers::leave(int place) {
  if (place < 0) return;
  change(places_[place].word, word_of(thread_number()), 0);
  used_.fetch_and(~bit(place), std::memory_order_release);
}

bool Callers::other_on(int cpu, int place) const {
  for (uint64_t mask = used_.load(std::memory_order_relaxed); mask; mask &= mask - 1) {
    const int other = std::countr_zero(mask);
    if (other != place && places_[other].cpu.load(std::memory_order_relaxed) == cpu) return true;
  }
  return false;
}

void Callers::waits(int place, bool waiting) {
  if (place < 0) return;
  const uint32_t works = word_of(thread_number());
  change(places_[place].word, waiting ? works : works | kWaits, waiting ? works | kWaits : works);
}

void Callers::wait_over(int place) {
  if (place < 0) return;
  std::atomic<uint32_t>& word = places_[place].word;
  uint32_t waits = word.load(std::memory_order_relaxed);
  if (waits & kWaits) word.compare_exchange_strong(waits, waits & ~kWaits, std::memory_order_acq_rel);
}

void Callers::Watch::note(const Callers& callers) {
  noted_ = 0;
  for (uint64_t mask = callers.used_.load(std::memory_order_relaxed); mask; mask &= mask - 1) {
    const int place = std::countr_zero(mask);
    const uint32_t word = callers.places_[place].word.load(std::memory_order_acquire);
    if (word == 0 || word & (kHeld | kWaits)) continue;
    numbers_[place] = int(word >> 2);
    cpu_ns_[place] = cpu_time_ns(numbers_[place]);
    if (cpu_ns_[place] >= 0) noted_ |= bit(place);
  }
}

bool Callers::Watch::move_one(Callers& callers) {
  bool late = false;
  for (uint64_t mask = noted_; mask; mask &= mask - 1) {
    const int place = std::countr_zero(mask), number = numbers_[place];
    Place& p = callers.places_[place];
    uint32_t word = word_of(number);
    if (p.word.load(std::memory_order_relaxed) != word || cpu_time_ns(number) != cpu_ns_[place]) continue;
    late = true;
    if (!p.word.compare_exchange_strong(word, word | kHeld, std::memory_order_acq_rel)) continue;
    const bool moved = move_here(number);
    p.word.store(word_of(number), std::memory_order_release);
    if (moved) return true;
  }
  return late;
}

void Callers::reset_after_fork(int place) {
  for (int i = 0; i < kMost; ++i) places_[i].word.store(i == place ? word_of(thread_number()) : 0);
  used_.store(place < 0 ? 0 : bit(place));
}

}  // namespace engine
