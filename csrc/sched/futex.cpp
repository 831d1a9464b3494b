#include "sched/futex.h"

#include <algorithm>

#include "sched/clock.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#else
#include <chrono>
#include <condition_variable>
#include <mutex>
#endif

namespace engine {

#if defined(__linux__)

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wait_until(std::atomic<uint32_t>& word, uint32_t expected, int64_t until_ns) {
  if (until_ns == kNever) return futex_wait(word, expected);
  int64_t left = until_ns - now_ns();
  if (left <= 0) return;
  timespec time{time_t(left / 1000000000), long(left % 1000000000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &time, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

#else

namespace {

struct Bucket {
  std::mutex mutex;
  std::condition_variable changed;
};

Bucket& bucket_of(const void* word) {
  static Bucket* const buckets = new Bucket[64];
  return buckets[(reinterpret_cast<uintptr_t>(word) >> 4) % 64];
}

}  // namespace

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) { futex_wait_until(word, expected, kNever); }

void futex_wait_until(std::atomic<uint32_t>& word, uint32_t expected, int64_t until_ns) {
  Bucket& bucket = bucket_of(&word);
  std::unique_lock<std::mutex> lock(bucket.mutex);
  if (word.load() != expected) return;
  if (until_ns == kNever) return bucket.changed.wait(lock);
  bucket.changed.wait_for(lock, std::chrono::nanoseconds(std::max<int64_t>(0, until_ns - now_ns())));
}

void futex_wake(std::atomic<uint32_t>& word, int) {
  Bucket& bucket = bucket_of(&word);
  std::lock_guard<std::mutex> lock(bucket.mutex);
  bucket.changed.notify_all();
}

#endif

}  // namespace engine
