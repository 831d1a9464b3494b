#include "service/mailbox.h"

#include <mutex>

#include "sched/clock.h"
#include "sched/futex.h"
#include "service/async_call.h"

#if defined(__linux__)
#include <sys/eventfd.h>
#endif
#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace engine {

Mailbox::Mailbox(bool with_descriptor) {
  if (!with_descriptor) return;
#if defined(__linux__)
  read_end_ = write_end_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#elif !defined(_WIN32)
  int ends[2];
  if (pipe(ends) != 0) return;
  for (int end : ends) {
    fcntl(end, F_SETFL, O_NONBLOCK);
    fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
#endif
}

Mailbox::~Mailbox() {
#if !defined(_WIN32)
  if (read_end_ >= 0) ::close(read_end_);
  if (write_end_ >= 0 && write_end_ != read_end_) ::close(write_end_);
#endif
}

// A full pipe or counter is signal enough.
void Mailbox::signal() {
#if !defined(_WIN32)
  uint64_t one = 1;
  if (write_end_ >= 0) [[maybe_unused]] auto written = ::write(write_end_, &one, sizeof one);
#endif
}

void Mailbox::clear_signal() {
#if !defined(_WIN32)
  uint64_t count;
  if (read_end_ >= 0) [[maybe_unused]] auto got = ::read(read_end_, &count, sizeof count);
#endif
}

void Mailbox::put(RefPtr<AsyncCall> call) {
  RefPtr<Mailbox> heir;
  bool first = false;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    heir = heir_;
    if (!heir) {
      call->ref();
      call->next_ = nullptr;
      (last_ ? last_->next_ : first_) = call.get();
      last_ = call.get();
      first = !std::exchange(signalled_, true);
    }
  }
  if (heir) return heir->put(std::move(call));
  if (first) signal();
  wake();
}

RefPtr<AsyncCall> Mailbox::take() {
  std::lock_guard<ForkMutex> lock(mutex_);
  if (!first_) {
    if (std::exchange(signalled_, false)) clear_signal();
    return nullptr;
  }
  RefPtr<AsyncCall> call(first_);
  first_ = call->next_;
  if (!first_) last_ = nullptr;
  call->unref();
  return call;
}

void Mailbox::wait(int64_t until_ns) {
  uint32_t bell = bell_.load();
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    if (first_) return;
  }
  futex_wait_until(bell_, bell, until_ns);
}

void Mailbox::wake() {
  bell_.fetch_add(1);
  futex_wake(bell_, 1 << 30);
}

void Mailbox::close(RefPtr<Mailbox> heir) {
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    heir_ = heir;
  }
  while (RefPtr<AsyncCall> call = take()) heir->put(std::move(call));
}

}  // namespace engine
