#include "sched/run_control.h"

namespace engine {

Status RunControl::status() const {
  switch (verdict()) {
    case Verdict::Go: return {};
    case Verdict::Deadline: return Status(Code::DeadlineExceeded, "the deadline passed");
    case Verdict::Cancelled: return Status(Code::Cancelled, "the call was cancelled");
    case Verdict::NoMemory: return Status(Code::MemoryLimitExceeded, "the system refuses memory while running");
    case Verdict::Aborted: return Status(Code::Cancelled, "the model is shut down and the call with it");
  }
  return {};
}

bool RunControl::stop(Verdict v) {
  int expected = int(Verdict::Go);
  if (!verdict_.compare_exchange_strong(expected, int(v), std::memory_order_relaxed)) return false;
  const bool just_read = v == Verdict::Deadline && checked_ns_ != 0;
  stopped_ns_.store(just_read ? checked_ns_ : now_ns(), std::memory_order_relaxed);
  return false;
}

bool RunControl::ask(int64_t now) {
  ask_at_ns_ = now + kInterruptEveryNs;
  return !interrupt_->interrupted() || stop(Verdict::Cancelled);
}

}  // namespace engine
