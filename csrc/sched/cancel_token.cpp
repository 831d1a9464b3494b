#include "sched/cancel_token.h"

#include "sched/futex.h"

namespace engine {
namespace {

// telling_: the fork generation that the listeners are of, and in the lowest bit whether one of them is being told.
uint32_t quiet() { return uint32_t(fork_generation()) << 1; }
uint32_t telling() { return quiet() | 1; }

// Listeners that fork() copied wait on threads that the child does not have. REQUIRES: the token's mutex is held.
void forget_other_process(std::atomic<uint32_t>& state, CancelListener*& first, CancelListener*& told) {
  if (state.load() >> 1 == uint32_t(fork_generation())) return;
  first = told = nullptr;
  state.store(quiet());
}

}  // namespace

void CancelToken::remove(CancelListener& listener) {
  if (listener.before_) listener.before_->after_ = listener.after_;
  else first_ = listener.after_;
  if (listener.after_) listener.after_->before_ = listener.before_;
  listener.before_ = listener.after_ = nullptr;
  listener.listed_ = false;
}

void CancelToken::cancel() {
  std::unique_lock<ForkMutex> lock(mutex_);
  forget_other_process(telling_, first_, told_);
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  while (first_) {
    CancelListener& listener = *first_;
    remove(listener);
    told_ = &listener;
    telling_.store(telling());
    lock.unlock();
    listener.on_cancel();
    lock.lock();
    told_ = nullptr;
    telling_.store(quiet());
    futex_wake(telling_, 1 << 30);
  }
}

bool CancelToken::listen(CancelListener& listener) {
  std::lock_guard<ForkMutex> lock(mutex_);
  forget_other_process(telling_, first_, told_);
  if (cancelled()) return false;
  listener.after_ = first_;
  if (first_) first_->before_ = &listener;
  first_ = &listener;
  listener.listed_ = true;
  return true;
}

void CancelToken::unlisten(CancelListener& listener) {
  std::unique_lock<ForkMutex> lock(mutex_);
  forget_other_process(telling_, first_, told_);
  // Listed before a fork: perhaps not in this list.
  CancelListener* l = fork_generation() == 0 ? &listener : first_;
  while (l && l != &listener) l = l->after_;
  if (listener.listed_ && l) return remove(listener);
  while (told_ == &listener) {
    lock.unlock();
    futex_wait(telling_, telling());
    lock.lock();
  }
}

}  // namespace engine
