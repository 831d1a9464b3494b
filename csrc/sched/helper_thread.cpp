#include "sched/helper_thread.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <initializer_list>

#include "sched/futex.h"
#include "sched/late_thread.h"
#include "sched/prepare_thread.h"

#if defined(_WIN32)
#include <system_error>
#include <thread>
#else
#include <pthread.h>
#include <signal.h>
#endif

namespace engine {

#if defined(_WIN32)

bool start_helper_thread(void (*main)(), const char* name, int number) {
  try {
    std::thread(main).detach();
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

#else

namespace {

constexpr size_t kStackBytes = size_t(2) << 20;

// Of the thread that starts another: both look at it until `state` is no longer Starting.
struct Start {
  enum : uint32_t { Starting, Ready, Failed };
  void (*main)();
  const char* name;
  int number;
  std::atomic<uint32_t> state{Starting};
};

void name_this_thread(const char* kind, int number) {
  char name[16];
  std::snprintf(name, sizeof name, "%s%d", kind, number);
#if defined(__APPLE__)
  pthread_setname_np(name);
#elif defined(__linux__)
  pthread_setname_np(pthread_self(), name);
#endif
}

void* enter(void* arg) {
  Start& start = *static_cast<Start*>(arg);
  void (*main)() = start.main;
  name_this_thread(start.name, start.number);
  const bool prepared = prepare_thread();
  std::atomic<uint32_t>& state = start.state;
  state.store(prepared ? Start::Ready : Start::Failed, std::memory_order_release);
  futex_wake(state, 1);
  if (prepared) main();
  return nullptr;
}

// Faults of the thread's own instructions stay deliverable: crash handlers must see them.
sigset_t asynchronous_signals() {
  sigset_t set;
  sigfillset(&set);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&set, fault);
  return set;
}

bool create_detached(Start& start) {
  const NobodyMoves may_run_everywhere;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread;
  bool created = pthread_create(&thread, &attributes, enter, &start) == 0;
  pthread_attr_destroy(&attributes);
  return created;
}

}  // namespace

bool start_helper_thread(void (*main)(), const char* name, int number) {
  Start start{main, name, number};
  sigset_t blocked = asynchronous_signals(), before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  bool created = create_detached(start);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!created) return false;
  while (start.state.load(std::memory_order_acquire) == Start::Starting) futex_wait(start.state, Start::Starting);
  return start.state.load(std::memory_order_relaxed) == Start::Ready;
}

#endif

}  // namespace engine
