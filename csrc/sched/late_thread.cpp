#include "sched/late_thread.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace engine {

#if defined(__linux__)

namespace {

constinit thread_local int t_number = 0;

// The clock of a thread's CPU time, as the kernel encodes it: the thread's number inverted, then "of a thread", "scheduled time".
clockid_t cpu_clock(int number) { return clockid_t(~unsigned(number) << 3 | 6); }

}  // namespace

int thread_number() {
  if (t_number == 0) t_number = int(syscall(SYS_gettid));
  return t_number;
}

void reset_thread_number() { t_number = 0; }

int64_t cpu_time_ns(int number) {
  timespec t;
  return clock_gettime(cpu_clock(number), &t) == 0 ? int64_t(t.tv_sec) * 1000000000 + t.tv_nsec : -1;
}

bool move_here(int number) {
  alignas(8) unsigned char before[128] = {};
  const int cpu = sched_getcpu();
  if (cpu < 0 || cpu >= int(sizeof before) * 8) return false;
  if (syscall(SYS_sched_getaffinity, number, sizeof before, before) <= 0) return false;
  const cpu_set_t* allowed = reinterpret_cast<const cpu_set_t*>(before);
  if (!CPU_ISSET_S(size_t(cpu), sizeof before, allowed) || CPU_COUNT_S(sizeof before, allowed) < 2) return false;
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(size_t(cpu), &here);
  if (syscall(SYS_sched_setaffinity, number, sizeof here, &here) != 0) return false;
  syscall(SYS_sched_setaffinity, number, sizeof before, before);
  return true;
}

#else

int thread_number() { return 0; }
void reset_thread_number() {}
int64_t cpu_time_ns(int) { return -1; }
bool move_here(int) { return false; }

#endif

bool LateThread::look(int number) {
  if (moved_) return false;
  const int64_t before = number == number_ ? cpu_ns_ : -1;
  number_ = number;
  cpu_ns_ = cpu_time_ns(number);
  return cpu_ns_ >= 0 && cpu_ns_ == before && (moved_ = move_here(number));
}

}  // namespace engine
