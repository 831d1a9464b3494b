// Surviving fork(): mutexes that are free in the child, and what the child puts right before anything else runs.
#pragma once

#include <mutex>

namespace engine {

// A mutex that fork() takes beforehand and gives back on both sides, so that the child finds what it guards whole. Works with
// std::lock_guard and std::unique_lock.
// REQUIRES: a leaf: whoever holds one neither takes, makes nor destroys another, and does not wait for a thread that might.
class ForkMutex {
 public:
  ForkMutex();
  ~ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  ForkMutex& operator=(const ForkMutex&) = delete;
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  bool try_lock() { return mutex_.try_lock(); }

 private:
  friend struct ForkMutexes;
  std::mutex mutex_;
  ForkMutex* before_ = nullptr;
  ForkMutex* after_ = nullptr;
};

// Runs `repair` in every child, on its only thread, before fork() returns there; in the order of registration.
// REQUIRES: repair takes no ForkMutex. At most 16 in a process.
void on_fork_child(void (*repair)());

// How many forks lie between this process and the one that loaded the library: tells what another process began.
int fork_generation();

}  // namespace engine
