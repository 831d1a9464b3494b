// A call that no thread waits for: it queues, computes on a call thread, and is put into a mailbox when it has ended.
#pragma once

#include "sched/call_threads.h"
#include "sched/timer.h"
#include "service/call.h"
#include "service/mailbox.h"

namespace engine {

class AsyncCall final : public RefCounted, public Waiter, public Task, public Timer, public CancelListener {
 public:
  AsyncCall(RefPtr<Service> service, RefPtr<Mailbox> mailbox);

  // To be opened and given its inputs before start().
  Call& call() { return call_; }

  // Never blocks. REQUIRES: the caller holds a reference. The call, and what set_tensor was given, must stay until it is taken from the mailbox, which it always comes
  // to. options.token may be null; it is the caller's, cancel() is this call's own.
  void start(const CallOptions& options);
  // Stops it, waiting or computing. Any thread, any time.
  void cancel();
  // In the mailbox: how it ended.
  const Status& status() const { return status_; }

  void on_decision() override;
  void run() override;
  void on_time() override;
  void on_cancel() override;

 private:
  friend class Mailbox;
  ~AsyncCall() override = default;
  void granted();
  void stop(int64_t since_ns);
  void leave_queue(Decision why);
  void finish(Status status);

  RefPtr<Service> service_;
  RefPtr<Mailbox> mailbox_;
  RefPtr<TimedCancelToken> own_, caller_;
  Call call_;
  Status status_;
  AsyncCall* next_ = nullptr;  // in the mailbox
  bool listens_ = false;
  std::atomic<bool> telling_{false};  // on_cancel is running
};

}  // namespace engine
