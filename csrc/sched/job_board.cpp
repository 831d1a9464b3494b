#include "sched/job_board.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "sched/clock.h"
#include "sched/futex.h"
#include "sched/spin.h"

namespace engine {
namespace {

constexpr uint64_t kJoined = 1;
constexpr uint64_t kOpen = uint64_t(1) << 16;
constexpr uint64_t kOpenMask = uint64_t(0x7fff) << 16;
constexpr uint64_t kCallerSleeps = uint64_t(1) << 31;

// When a caller that spins looks after the helpers that it waits for: first, and from then on.
constexpr int64_t kFirstLookNs = 5'000, kLookEveryNs = 10'000;
// How often one that sleeps does: at first, and in the end.
constexpr int64_t kFirstNapNs = 20'000, kLongestNapNs = 10'000'000;
// More have no place on the caller's CPU.
constexpr int kMostMoved = 4;

int joined(uint64_t state) { return int(state & 0xffff); }
int open_places(uint64_t state) { return int(state >> 16 & 0x7fff); }
uint32_t generation(uint64_t state) { return uint32_t(state >> 32); }
uint64_t bit(int slot) { return uint64_t(1) << slot; }

}  // namespace

int JobBoard::acquire_slot() {
  uint64_t used = used_.load(std::memory_order_relaxed);
  for (;;) {
    int slot = std::countr_one(used);
    if (slot == kSlots) return -1;
    if (used_.compare_exchange_weak(used, used | bit(slot), std::memory_order_acquire)) return slot;
  }
}

bool JobBoard::post(int helpers, int caller, Body body, void* arg, Job* job) {
  int index = acquire_slot();
  if (index < 0) return false;
  Slot& slot = slots_[index];
  slot.helpers = helpers;
  slot.cpu = current_cpu();
  slot.caller = caller;
  slot.body = body;
  slot.arg = arg;
  slot.posted.store(posts_.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
  job->slot = index;
  job->generation = generation(slot.state.load(std::memory_order_relaxed)) + 1;
  // The bit comes first: the helper that takes the last place clears it, so it must be set before any place can be
  // taken.
  open_.fetch_or(bit(index));
  slot.state.store(uint64_t(job->generation) << 32 | uint64_t(helpers) * kOpen);
  return true;
}

int JobBoard::choose(uint64_t* state) const {
  int best = -1;
  std::tuple<int, uint64_t> best_rank;
  for (uint64_t mask = open_.load(); mask; mask &= mask - 1) {
    int slot = std::countr_zero(mask);
    uint64_t s = slots_[slot].state.load(std::memory_order_acquire);
    if (open_places(s) == 0) continue;
    std::tuple<int, uint64_t> rank{joined(s), slots_[slot].posted.load(std::memory_order_relaxed)};
    if (best >= 0 && rank >= best_rank) continue;
    best = slot;
    best_rank = rank;
    *state = s;
  }
  return best;
}

bool JobBoard::take(Place* place) {
  uint64_t state = 0;
  for (int index = choose(&state); index >= 0; index = choose(&state)) {
    Slot& slot = slots_[index];
    if (!slot.state.compare_exchange_strong(state, state - kOpen + kJoined)) continue;
    int left = open_places(state) - 1;
    if (left == 0) open_.fetch_and(~bit(index));
    *place = {index, slot.helpers - left, slot.helpers, left, slot.cpu, slot.caller, slot.body, slot.arg};
    if (place->worker <= kLookedAfter) slot.threads[place->worker - 1].store(thread_number(), std::memory_order_relaxed);
    return true;
  }
  return false;
}

bool JobBoard::leave(const Place& place) {
  Slot& slot = slots_[place.slot];
  if (place.worker <= kLookedAfter) slot.threads[place.worker - 1].store(0, std::memory_order_relaxed);
  uint64_t before = slot.state.fetch_sub(kJoined);
  if (joined(before) > 1) return false;
  if (before & kCallerSleeps) {
    slot.all_left.fetch_add(1);
    futex_wake(slot.all_left, 1);
  }
  return true;
}

bool JobBoard::close(const Job& job) {
  Slot& slot = slots_[job.slot];
  uint64_t state = slot.state.load(std::memory_order_acquire);
  do {
    if (generation(state) != job.generation) return false;
  } while (open_places(state) && !slot.state.compare_exchange_weak(state, state & ~kOpenMask));
  if (open_.load(std::memory_order_relaxed) & bit(job.slot)) open_.fetch_and(~bit(job.slot));
  return true;
}

void JobBoard::wait_until_left(Slot& slot) {
  if (joined(slot.state.load(std::memory_order_acquire)) == 0) return;
  LateThread late[kMostMoved];
  int64_t next_look_ns = kFirstLookNs;
  for (SpinWait spin; spin.pause();) {
    if (joined(slot.state.load(std::memory_order_acquire)) == 0) return;
    if (!spin.at_clock() || spin.spent_ns() < next_look_ns) continue;
    if (look_after_helpers(slot, late)) break;
    next_look_ns = spin.spent_ns() + kLookEveryNs;
  }
  slot.state.fetch_or(kCallerSleeps);
  sleep_until_left(slot, late);
}

// True: one was moved to this CPU.
bool JobBoard::look_after_helpers(const Slot& slot, LateThread* late) {
  int watched = 0;
  bool moved = false;
  for (int i = 0; i < std::min(slot.helpers, kLookedAfter) && watched < kMostMoved; ++i)
    if (int number = slot.threads[i].load(std::memory_order_relaxed)) moved |= late[watched++].look(number);
  return moved;
}

void JobBoard::sleep_until_left(Slot& slot, LateThread* late) {
  for (int64_t nap = kFirstNapNs;; nap = std::min(2 * nap, kLongestNapNs)) {
    uint32_t seen = slot.all_left.load();
    if (joined(slot.state.load()) == 0) return;
    look_after_helpers(slot, late);
    futex_wait_until(slot.all_left, seen, now_ns() + nap);
  }
}

void JobBoard::withdraw(const Job& job) {
  if (!close(job)) return;
  wait_until_left(slots_[job.slot]);
  used_.fetch_and(~bit(job.slot), std::memory_order_release);
}

void JobBoard::reset_after_fork() {
  for (Slot& slot : slots_) {
    slot.state.store(uint64_t(generation(slot.state.load()) + 1) << 32);
    for (std::atomic<int>& thread : slot.threads) thread.store(0, std::memory_order_relaxed);
  }
  open_.store(0);
  used_.store(0);
}

}  // namespace engine
