#include "sched/background.h"

#include <new>
#include <system_error>
#include <thread>

#include "sched/prepare_thread.h"
#include "sched/thread_pool.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if !defined(_WIN32)
#include <signal.h>
#endif

namespace engine {
namespace {

constexpr int kNiceness = 19;

void lower_priority() {
#if defined(__linux__)
  setpriority(PRIO_PROCESS, id_t(syscall(SYS_gettid)), kNiceness);
#endif
}

void block_signals() {
#if !defined(_WIN32)
  sigset_t all;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
#endif
}

}  // namespace

void run_in_background(const std::function<void()>& work) {
  bool worked = false;
  try {
    std::thread([&] {
      block_signals();
      if (!prepare_thread()) return;
      lower_priority();
      WorkAlone alone;
      worked = true;
      work();
    }).join();
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  if (!worked) work();
}

}  // namespace engine
