#include "service/async_call.h"

#include <new>

namespace engine {

AsyncCall::AsyncCall(RefPtr<Service> service, RefPtr<Mailbox> mailbox)
    : service_(std::move(service)), mailbox_(std::move(mailbox)), own_(make_ref<TimedCancelToken>()), call_(*service_) {}

void AsyncCall::start(const CallOptions& options) {
  ref();
  caller_ = RefPtr<TimedCancelToken>(options.token);
  call_.options_ = options;
  call_.options_.token = own_.get();
  deadline_ns = options.deadline_ns;
  high_priority = options.high_priority;
  expected_ns = call_.expected_ns();
  call_.entry_ = nullptr;
  call_.unpin();
  if (caller_ && !(listens_ = caller_->listen(*this))) own_->cancel(caller_->since_ns());
  Admission& admission = service_->admission();
  if (admission.try_enter()) return granted();
  if (deadline_ns != kNever && !Timer::arm(deadline_ns))
    return finish(call_.finish(Status(Code::MemoryLimitExceeded, "the system gives no thread to watch the deadline on")));
  Decision decision = admission.enter(*this);
  if (decision == Decision::Waiting) {
    // What came before it was in the queue found nothing to take out.
    if (own_->cancelled()) leave_queue(Decision::Withdrawn);
    else if (deadline_ns <= now_ns()) leave_queue(Decision::Expired);
    return;
  }
  if (deadline_ns != kNever) Timer::disarm();
  if (decision == Decision::Granted) granted();
  else finish(call_.refused(decision));
}

void AsyncCall::granted() {
  if (CallThreads::instance().post(*this)) return;
  service_->admission().leave();
  finish(call_.finish(error(Code::MemoryLimitExceeded, "the system gives no thread to compute on")));
}

void AsyncCall::on_decision() {
  if (deadline_ns != kNever) Timer::disarm();
  if (decision() == Decision::Granted) granted();
  else finish(call_.refused(decision()));
}

void AsyncCall::run() {
  Status status;
  call_.hands_over_ = true;
  try {
    Service::InCall here(*service_);
    status = call_.run_granted(nullptr);
  } catch (const std::bad_alloc&) {
    status = call_.finish(Status(Code::MemoryLimitExceeded, "the system refuses memory"));
  }
  finish(std::move(status));
}

void AsyncCall::on_time() {
  if (service_->admission().withdraw(*this, Decision::Expired)) finish(call_.refused(Decision::Expired));
}

void AsyncCall::on_cancel() {
  RefPtr<AsyncCall> alive(this);
  telling_.store(true);
  stop(caller_->since_ns());
  telling_.store(false);
}

void AsyncCall::cancel() { stop(now_ns()); }

void AsyncCall::stop(int64_t since_ns) {
  own_->cancel(since_ns);
  leave_queue(Decision::Withdrawn);
}

// On any thread but the timer's, which may be about to do the same, and is through with it once disarm() has returned.
void AsyncCall::leave_queue(Decision why) {
  if (!service_->admission().withdraw(*this, why)) return;
  if (deadline_ns != kNever) Timer::disarm();
  finish(call_.refused(why));
}

void AsyncCall::finish(Status status) {
  status_ = std::move(status);
  call_.unpin();
  call_.entry_ = nullptr;
  if (listens_ && !telling_.load()) caller_->unlisten(*this);
  mailbox_->put(RefPtr<AsyncCall>(this));
  unref();
}

}  // namespace engine
