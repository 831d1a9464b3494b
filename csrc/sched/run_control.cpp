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

bool RunControl::ask(int64_t now) {
  ask_at_ns_ = now + kInterruptEveryNs;
  return !interrupt_->interrupted() || stop(Verdict::Cancelled);
}

}  // namespace engine
