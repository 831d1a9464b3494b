// The pointer that is swapped: readers pin what is current without a lock, a writer publishes another and lets the old one go when
// its last reader has left.
//
// One atomic word holds the number of the current place and how many pins were taken since it became current; each place
// counts the pins given back. When a place is retired the pins taken on it are known, and the balance says how many are out.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/ref_ptr.h"
#include "sched/futex.h"

namespace engine {

// T is RefCounted. pin, unpin and get: any thread, without locks. Everything else: one thread at a time.
template <class T>
class ModelSlot {
 public:
  struct Pin {
    T* value = nullptr;  // null: nothing is published
    int place = -1;
  };

  ModelSlot() = default;
  ModelSlot(const ModelSlot&) = delete;
  ModelSlot& operator=(const ModelSlot&) = delete;
  // REQUIRES: no pin is out.
  ~ModelSlot() {
    for (Place& place : places_)
      if (place.value) place.value->unref();
  }

  // What is current stays until unpin, even when another is published meanwhile.
  Pin pin() {
    int place = place_of(word_.fetch_add(1, std::memory_order_acquire));
    return {places_[place].value, place};
  }
  void unpin(const Pin& pin) {
    Place& place = places_[pin.place];
    if (place.balance.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    place.bell.fetch_add(1, std::memory_order_release);
    futex_wake(place.bell, 1 << 30);
  }
  RefPtr<T> get() {
    Pin pinned = pin();
    RefPtr<T> value(pinned.value);
    unpin(pinned);
    return value;
  }

  // Makes `next` (may be null) current: whoever pins after this gets it. Returns the place of what was current before, which is to
  // be released. Blocks while all places are taken by values that are pinned.
  int publish(const RefPtr<T>& next) {
    int place = free_place();
    places_[place].value = next.get();
    places_[place].used = true;
    if (next) next->ref();
    uint64_t old = word_.exchange(uint64_t(place) << kPlaceShift, std::memory_order_acq_rel);
    Place& before = places_[place_of(old)];
    before.retired = true;
    before.balance.fetch_add(int64_t(old & kPinMask), std::memory_order_acq_rel);
    return place_of(old);
  }

  // Blocks until nobody holds a pin on that retired place, then drops its reference, the last one perhaps: the value is then
  // destroyed on this thread.
  void release(int retired) {
    Place& place = places_[retired];
    if (!place.used || !place.retired) return;
    for (;;) {
      uint32_t bell = place.bell.load(std::memory_order_acquire);
      if (place.balance.load(std::memory_order_acquire) == 0) break;
      futex_wait(place.bell, bell);
    }
    empty(place);
  }
  bool pinned(int retired) const { return places_[retired].used && places_[retired].balance.load(std::memory_order_acquire) != 0; }

  // In the child of fork(), where no reader is left.
  void reset_after_fork() {
    word_.store(word_.load() & ~kPinMask);
    for (Place& place : places_) place.balance.store(0);
  }

 private:
  static constexpr int kPlaces = 64;
  static constexpr int kPlaceShift = 48;
  static constexpr uint64_t kPinMask = (uint64_t(1) << kPlaceShift) - 1;
  static int place_of(uint64_t word) { return int(word >> kPlaceShift); }

  struct alignas(64) Place {
    std::atomic<int64_t> balance{0};  // current: minus the pins given back; retired: the pins that are out
    std::atomic<uint32_t> bell{0};
    bool used = false, retired = false;
    T* value = nullptr;
  };

  static void empty(Place& place) {
    T* value = place.value;
    place.value = nullptr;
    place.used = place.retired = false;
    if (value) value->unref();
  }

  int free_place() {
    for (;;) {
      for (int i = 0; i < kPlaces; ++i)
        if (!places_[i].used && i != place_of(word_.load())) return i;
      for (int i = 0; i < kPlaces; ++i)
        if (places_[i].retired) {
          release(i);
          break;
        }
    }
  }

  std::atomic<uint64_t> word_{0};
  Place places_[kPlaces];
};

}  // namespace engine
