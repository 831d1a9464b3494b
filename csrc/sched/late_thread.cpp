#include "sched/late_thread.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "sched/spin.h"
#endif

namespace engine {

#if defined(__linux__)

namespace {

constinit thread_local int t_number = 0;

// Held while one thread is moved: what another read meanwhile of where it may run would not be what to put back.
constinit std::atomic<bool> g_moving{false};

bool begin_moving() { return !g_moving.exchange(true, std::memory_order_acquire); }
void end_moving() { g_moving.store(false, std::memory_order_release); }

// The thread that leaves its CPU, negative while another brings it back, and that CPU, from before it may run elsewhere alone until it
// may run there again.
constinit std::atomic<int> g_leaving{0}, g_left_cpu{-1};

// The clock of a thread's CPU time, as the kernel encodes it: the thread's number inverted, then "of a thread", "scheduled time".
clockid_t cpu_clock(int number) { return clockid_t(~unsigned(number) << 3 | 6); }

struct CpuMask {
  alignas(8) unsigned char bytes[kMostCpus / 8] = {};
  cpu_set_t* set() { return reinterpret_cast<cpu_set_t*>(bytes); }
};

// Whether thread `number` (0: the calling one) may run on `cpu` and on another; fills in where it may run.
bool may_choose(int number, int cpu, CpuMask* allowed) {
  constexpr size_t kSize = sizeof allowed->bytes;
  if (cpu < 0 || size_t(cpu) >= kSize * 8) return false;
  if (syscall(SYS_sched_getaffinity, number, kSize, allowed->bytes) <= 0) return false;
  return CPU_ISSET_S(size_t(cpu), kSize, allowed->set()) && CPU_COUNT_S(kSize, allowed->set()) >= 2;
}

bool set_mask(int number, const CpuMask& mask) {
  return syscall(SYS_sched_setaffinity, number, sizeof mask.bytes, mask.bytes) == 0;
}

// Lets thread `number`, which may run on `cpu` and elsewhere, run where `narrow` says for a moment, which moves it there.
template <class Narrow>
bool move(int number, int cpu, Narrow narrow) {
  CpuMask allowed;
  if (!may_choose(number, cpu, &allowed)) return false;
  CpuMask mask = allowed;
  narrow(mask);
  if (!set_mask(number, mask)) return false;
  set_mask(number, allowed);
  return true;
}

bool put_back(int number, int cpu) {
  CpuMask allowed, here;
  if (syscall(SYS_sched_getaffinity, number, sizeof allowed.bytes, allowed.bytes) <= 0) return false;
  CPU_SET_S(size_t(cpu), sizeof allowed.bytes, allowed.set());
  CPU_SET_S(size_t(cpu), sizeof here.bytes, here.set());
  return set_mask(number, here) && set_mask(number, allowed);
}

// A thread that is leaving its CPU waits for another that is taken. True: it is in the queue of `cpu` now.
bool bring_back(int number, int cpu) {
  int leaving = number;
  if (cpu < 0 || cpu != g_left_cpu.load() || !g_leaving.compare_exchange_strong(leaving, -number)) return false;
  const bool back = put_back(number, cpu);
  g_leaving.store(number);
  return back;
}

// The thread that left, which may run everywhere again, also when another was bringing it back.
void has_left() {
  const int self = thread_number();
  for (BriefWait wait;; wait.pause()) {
    int leaving = self;
    if (g_leaving.compare_exchange_strong(leaving, 0) || leaving == 0) return;
  }
}

}  // namespace

int thread_number() {
  if (t_number == 0) t_number = int(syscall(SYS_gettid));
  return t_number;
}

void reset_moves_after_fork() {
  t_number = 0;
  g_moving.store(false);
  g_leaving.store(0);
}

int64_t cpu_time_ns(int number) {
  timespec t;
  return clock_gettime(cpu_clock(number), &t) == 0 ? int64_t(t.tv_sec) * 1000000000 + t.tv_nsec : -1;
}

int current_cpu() { return sched_getcpu(); }

bool leave_cpu() {
  if (!begin_moving()) return false;
  const int cpu = current_cpu();
  const bool left = move(0, cpu, [cpu](CpuMask& mask) {
    CPU_CLR_S(size_t(cpu), sizeof mask.bytes, mask.set());
    g_left_cpu.store(cpu);
    g_leaving.store(thread_number());
  });
  has_left();
  end_moving();
  return left;
}

bool move_here(int number) {
  const int cpu = current_cpu();
  if (!begin_moving()) return bring_back(number, cpu);
  const bool moved = move(number, cpu, [cpu](CpuMask& mask) {
    mask = {};
    CPU_SET_S(size_t(cpu), sizeof mask.bytes, mask.set());
  });
  end_moving();
  return moved;
}

NobodyMoves::NobodyMoves() {
  for (BriefWait wait; !begin_moving();) wait.pause();
}

NobodyMoves::~NobodyMoves() { end_moving(); }

void WakeHere::narrow(int number) {
  if (!begin_moving()) return;
  const int cpu = current_cpu();
  CpuMask allowed, here;
  if (may_choose(number, cpu, &allowed)) {
    CPU_SET_S(size_t(cpu), sizeof here.bytes, here.set());
    std::memcpy(allowed_, allowed.bytes, sizeof allowed_);
    narrowed_ = set_mask(number, here);
  }
  end_moving();
}

void WakeHere::widen() {
  if (!narrowed_) return;
  narrowed_ = false;
  CpuMask allowed;
  std::memcpy(allowed.bytes, allowed_, sizeof allowed_);
  set_mask(0, allowed);
}

LeavingForTesting::LeavingForTesting(int number, int cpu) {
  g_moving.store(true);
  g_left_cpu.store(cpu);
  g_leaving.store(number);
}

LeavingForTesting::~LeavingForTesting() {
  g_leaving.store(0);
  g_moving.store(false);
}

#else

NobodyMoves::NobodyMoves() {}
NobodyMoves::~NobodyMoves() {}
void WakeHere::narrow(int) {}
void WakeHere::widen() {}
LeavingForTesting::LeavingForTesting(int, int) {}
LeavingForTesting::~LeavingForTesting() {}
int thread_number() { return 0; }
void reset_moves_after_fork() {}
int64_t cpu_time_ns(int) { return -1; }
int current_cpu() { return -1; }
bool leave_cpu() { return false; }
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
