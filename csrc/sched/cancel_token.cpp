#include "sched/cancel_token.h"

#include "sched/futex.h"

namespace engine {

void CancelToken::remove(CancelListener& listener) {
  if (listener.before_) listener.before_->after_ = listener.after_;
  else first_ = listener.after_;
  if (listener.after_) listener.after_->before_ = listener.before_;
  listener.before_ = listener.after_ = nullptr;
  listener.listed_ = false;
}

void CancelToken::cancel() {
  std::unique_lock<ForkMutex> lock(mutex_);
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  while (first_) {
    CancelListener& listener = *first_;
    remove(listener);
    told_ = &listener;
    telling_.store(1);
    lock.unlock();
    listener.on_cancel();
    lock.lock();
    told_ = nullptr;
    telling_.store(0);
    futex_wake(telling_, 1 << 30);
  }
}

bool CancelToken::listen(CancelListener& listener) {
  std::lock_guard<ForkMutex> lock(mutex_);
  if (cancelled()) return false;
  listener.after_ = first_;
  if (first_) first_->before_ = &listener;
  first_ = &listener;
  listener.listed_ = true;
  return true;
}

void CancelToken::unlisten(CancelListener& listener) {
  std::unique_lock<ForkMutex> lock(mutex_);
  if (listener.listed_) return remove(listener);
  while (told_ == &listener) {
    lock.unlock();
    futex_wait(telling_, 1);
    lock.lock();
  }
}

}  // namespace engine
