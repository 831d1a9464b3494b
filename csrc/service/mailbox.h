// Where calls that have ended wait for whoever wants their answers: an event loop, or a thread.
#pragma once

#include <atomic>

#include "base/ref_ptr.h"
#include "base/status.h"
#include "sched/fork.h"

namespace engine {

class AsyncCall;

// Thread-safe. Putting a call in needs no memory: calls are linked to one another.
class Mailbox : public RefCounted {
 public:
  // with_descriptor: open one for event loops, where the system can.
  explicit Mailbox(bool with_descriptor);

  // Readable from when a call is put in until take() has found none. -1: there is none.
  int descriptor() const { return read_end_; }
  void put(RefPtr<AsyncCall> call);
  // The next, or null.
  RefPtr<AsyncCall> take();
  // Blocks until there is something to take or wake() was called since; at most until `until_ns`.
  void wait(int64_t until_ns);
  void wake();
  // What is in it, and what comes, goes to `heir` from now on.
  void close(RefPtr<Mailbox> heir);

 private:
  ~Mailbox() override;
  void signal();
  void clear_signal();

  int read_end_ = -1, write_end_ = -1;
  std::atomic<uint32_t> bell_{0};
  ForkMutex mutex_;
  AsyncCall* first_ = nullptr;  // each in the list holds a reference
  AsyncCall* last_ = nullptr;
  RefPtr<Mailbox> heir_;
  bool signalled_ = false;
};

}  // namespace engine
