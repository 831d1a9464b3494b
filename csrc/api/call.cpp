#include "api/call.h"

#include <new>

namespace engine {
namespace {

// At load a shape that does not fit is the model's fault, in a call it is the inputs'.
Status as_call_error(Status status) {
  if (status.code() != Code::InvalidModel) return status;
  return Status(Code::InvalidInput, status.message());
}

}  // namespace

Status Call::plan() {
  try {
    Result<RefPtr<PlanEntry>> entry = model_->program().entry_for(refs_);
    if (!entry.ok()) return as_call_error(std::move(entry).status());
    entry_ = entry.take();
    return {};
  } catch (const std::bad_alloc&) {
    return error(Code::MemoryLimitExceeded, "the system refuses memory while planning");
  }
}

Status Call::run(int64_t deadline_ns, const CancelToken* token, StepTimes* times) {
  try {
    RunControl control(deadline_ns, token);
    RunContext context(control, model_->threads());
    return as_call_error(model_->program().run_entry(*entry_, context, refs_, outputs_, times));
  } catch (const std::bad_alloc&) {
    return error(Code::MemoryLimitExceeded, "the system refuses memory while running");
  }
}

}  // namespace engine
