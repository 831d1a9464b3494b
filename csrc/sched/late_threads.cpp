#include "sched/late_threads.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace engine {

#if defined(__linux__)

namespace {

// The clock of a thread's CPU time, as the kernel encodes it: the thread's number inverted, then "of a thread", "scheduled time".
clockid_t cpu_clock(int number) { return clockid_t(~unsigned(number) << 3 | 6); }

// -1 when the system does not tell.
int64_t cpu_ns(int number) {
  timespec t;
  return clock_gettime(cpu_clock(number), &t) == 0 ? int64_t(t.tv_sec) * 1000000000 + t.tv_nsec : -1;
}

}  // namespace

int thread_number() {
  thread_local const int number = int(syscall(SYS_gettid));
  return number;
}

LateThreads::~LateThreads() {
  for (int i = 0; i < moved_count_; ++i) {
    const Moved& m = moved_[i];
    syscall(SYS_sched_setaffinity, m.number, sizeof m.cpus, m.cpus);
  }
}

void LateThreads::look(int index, int number) {
  const int64_t now = cpu_ns(number), before = cpu_ns_[index];
  const bool same = numbers_[index] == number;
  numbers_[index] = number;
  cpu_ns_[index] = now;
  if (same && now >= 0 && now == before) move_here(number);
}

void LateThreads::move_here(int number) {
  if (moved_count_ == kMostMoved) return;
  for (int i = 0; i < moved_count_; ++i)
    if (moved_[i].number == number) return;
  Moved& m = moved_[moved_count_] = {number, {}};
  const int cpu = sched_getcpu();
  if (cpu < 0 || cpu >= int(sizeof m.cpus) * 8) return;
  if (syscall(SYS_sched_getaffinity, number, sizeof m.cpus, m.cpus) <= 0 || !CPU_ISSET_S(size_t(cpu), sizeof m.cpus, reinterpret_cast<cpu_set_t*>(m.cpus)))
    return;
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(size_t(cpu), &here);
  if (syscall(SYS_sched_setaffinity, number, sizeof here, &here) == 0) ++moved_count_;
}

#else

int thread_number() { return 0; }
LateThreads::~LateThreads() = default;
void LateThreads::look(int, int) {}

#endif

}  // namespace engine
