// When a call must stop: its deadline, its caller's cancellation, and the verdict that all its threads see.
#pragma once

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/status.h"
#include "sched/cancel_token.h"
#include "sched/clock.h"

namespace engine {

// Asks the caller's surroundings now and then whether the call shall go on (a signal handler of the program may say no).
class Interrupt {
 public:
  // On the calling thread. True: stop. Must return soon.
  virtual bool interrupted() = 0;

 protected:
  ~Interrupt() = default;
};

// How often an Interrupt is asked.
inline constexpr int64_t kInterruptEveryNs = 50'000'000;

// How much work may be done, as those who do it estimate it, before the clock is read again.
inline constexpr double kUnreadNs = 20e3;
// What an estimate counts at least, so that no more than a few are believed in a row.
inline constexpr double kLeastWorkNs = 1250;

enum class Verdict : int { Go = 0, Deadline = 1, Cancelled = 2, Aborted = 3, NoMemory = 4 };

// One a call. The verdict is sticky: once it is not Go it never changes.
class RunControl {
 public:
  // deadline_ns: on now_ns()'s clock, kNever for none. `token` is the caller's, `abort` the model's (closed, drained);
  // these and `interrupt` may be null and must outlive the control. begun_ns: the clock, if it was read just now; else 0.
  explicit RunControl(int64_t deadline_ns = kNever, const CancelToken* token = nullptr, const CancelToken* abort = nullptr,
                      Interrupt* interrupt = nullptr, int64_t begun_ns = 0)
      : deadline_ns_(deadline_ns), token_(token), abort_(abort), interrupt_(interrupt), reads_clock_(deadline_ns != kNever || interrupt) {
    if (interrupt) ask_at_ns_ = (begun_ns ? begun_ns : now_ns()) + kInterruptEveryNs;
    if (begun_ns == 0) return;
    unread_ns_ = 0;
    told_ = true;
    if (check_words() && begun_ns >= deadline_ns) stop(Verdict::Deadline);
  }

  // Any thread: false once the call must stop. Reads no clock.
  bool go() const { return verdict_.load(std::memory_order_relaxed) == int(Verdict::Go); }

  // The calling thread, between tiles: reads the clock and the token, counts a checkpoint. False once the call must stop.
  bool check() {
    ++checkpoints_;
    unread_ns_ = 0;
    told_ = false;
    return check_words() && (!reads_clock_ || check_clock());
  }

  // The calling thread, after work that takes about `ns`: as check() once such work adds up to kUnreadNs since the clock was
  // read; until then reads the tokens alone and counts nothing.
  bool check_after(double ns) {
    unread_ns_ += std::max(ns, kLeastWorkNs);
    if (unread_ns_ >= kUnreadNs) return check();
    told_ = true;
    return check_words();
  }

  // The calling thread, between steps: as check(), unless the step before ended with a check_after.
  bool check_step() { return std::exchange(told_, false) ? go() : check(); }

  // When check() last read the clock; 0 while it never did. The calling thread.
  int64_t checked_ns() const { return checked_ns_; }

  // Any thread: when the verdict ceased to be Go; 0 while it is Go.
  int64_t stopped_ns() const { return stopped_ns_.load(std::memory_order_relaxed); }

  Verdict verdict() const { return Verdict(verdict_.load(std::memory_order_relaxed)); }
  // Any thread: a helper of the call met memory that is not there.
  void out_of_memory() { stop(Verdict::NoMemory); }
  // Null while the verdict is Go, else DeadlineExceeded (Deadline), Cancelled (Cancelled, Aborted) or MemoryLimitExceeded.
  Status status() const;
  int64_t checkpoints() const { return checkpoints_; }
  int64_t deadline_ns() const { return deadline_ns_; }

 private:
  bool check_words() {
    if (!go()) return false;
    if (token_ && token_->cancelled()) return stop(Verdict::Cancelled);
    return !abort_ || !abort_->cancelled() || stop(Verdict::Aborted);
  }
  bool check_clock() {
    checked_ns_ = now_ns();
    if (checked_ns_ >= deadline_ns_) return stop(Verdict::Deadline);
    return checked_ns_ < ask_at_ns_ || ask(checked_ns_);
  }
  bool ask(int64_t now);
  // False.
  bool stop(Verdict v);

  int64_t deadline_ns_;
  const CancelToken* token_;
  const CancelToken* abort_;
  Interrupt* interrupt_;
  bool reads_clock_, told_ = false;
  double unread_ns_ = kUnreadNs;  // estimated work since the clock was read; at first it was not
  int64_t ask_at_ns_ = kNever;
  std::atomic<int> verdict_{int(Verdict::Go)};
  std::atomic<int64_t> stopped_ns_{0};
  int64_t checkpoints_ = 0, checked_ns_ = 0;
};

}  // namespace engine
