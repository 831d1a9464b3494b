// A caller's word that a call shall stop.
#pragma once

#include <atomic>

#include "base/ref_ptr.h"
#include "sched/fork.h"

namespace engine {

// Who wants to be told of a cancellation, while it waits for something else.
class CancelListener {
 public:
  // On the thread that cancels, at most once. Must not block.
  virtual void on_cancel() = 0;

 protected:
  ~CancelListener() = default;

 private:
  friend class CancelToken;
  CancelListener* before_ = nullptr;
  CancelListener* after_ = nullptr;
  bool listed_ = false;
};

// Set once by any thread; seen at the next checkpoint of the calls that hold it, and by those that wait in a queue at once.
class CancelToken : public RefCounted {
 public:
  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // False, and nothing is kept, when it is cancelled already. `listener` must not go before unlisten.
  bool listen(CancelListener& listener);
  // Afterwards on_cancel is not running and will not run. REQUIRES: not called from on_cancel.
  void unlisten(CancelListener& listener);

 private:
  void remove(CancelListener& listener);

  std::atomic<bool> cancelled_{false};
  std::atomic<uint32_t> telling_{0};  // 1 while a listener is being told
  ForkMutex mutex_;
  CancelListener* first_ = nullptr;
  CancelListener* told_ = nullptr;  // the listener that is being told
};

}  // namespace engine
