#include "sched/run_control.h"

namespace engine {

Status RunControl::status() const {
  switch (verdict()) {
    case Verdict::Go: return {};
    case Verdict::Deadline: return Status(Code::DeadlineExceeded, "the deadline passed");
    case Verdict::Cancelled: return Status(Code::Cancelled, "the call was cancelled");
  }
  return {};
}

}  // namespace engine
