// When a call must stop: its deadline, its caller's cancellation, and the verdict that all its threads see.
#pragma once

#include <atomic>

#include "base/ref_ptr.h"
#include "base/status.h"
#include "sched/clock.h"

namespace engine {

// Set once by any thread; seen at the next checkpoint of the calls that hold it.
class CancelToken : public RefCounted {
 public:
  void cancel() { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> cancelled_{false};
};

enum class Verdict : int { Go = 0, Deadline = 1, Cancelled = 2 };

// One a call. The verdict is sticky: once it is not Go it never changes.
class RunControl {
 public:
  // deadline_ns: on now_ns()'s clock, kNever for none. `token` may be null and must outlive the control.
  explicit RunControl(int64_t deadline_ns = kNever, const CancelToken* token = nullptr)
      : deadline_ns_(deadline_ns), token_(token) {}

  // Any thread: false once the call must stop. Reads no clock.
  bool go() const { return verdict_.load(std::memory_order_relaxed) == int(Verdict::Go); }

  // The calling thread, between tiles: reads the clock and the token, counts a checkpoint. False once the call must stop.
  bool check() {
    ++checkpoints_;
    if (!go()) return false;
    if (token_ && token_->cancelled()) return stop(Verdict::Cancelled);
    if (deadline_ns_ != kNever && now_ns() >= deadline_ns_) return stop(Verdict::Deadline);
    return true;
  }

  Verdict verdict() const { return Verdict(verdict_.load(std::memory_order_relaxed)); }
  // Null while the verdict is Go, else DeadlineExceeded or Cancelled.
  Status status() const;
  int64_t checkpoints() const { return checkpoints_; }
  int64_t deadline_ns() const { return deadline_ns_; }

 private:
  bool stop(Verdict v) {
    int expected = int(Verdict::Go);
    verdict_.compare_exchange_strong(expected, int(v), std::memory_order_relaxed);
    return false;
  }

  int64_t deadline_ns_;
  const CancelToken* token_;
  std::atomic<int> verdict_{int(Verdict::Go)};
  int64_t checkpoints_ = 0;
};

}  // namespace engine
