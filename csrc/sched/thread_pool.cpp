#include "sched/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include "sched/callers.h"
#include "sched/census.h"
#include "sched/cpus.h"
#include "sched/futex.h"
#include "sched/helper_thread.h"
#include "sched/job_board.h"
#include "sched/spin.h"

namespace engine {
namespace {

using SteadyClock = std::chrono::steady_clock;

// One thread wakes or starts this many at most; those go on, so that no caller pays for all.
constexpr int kWakeAtOnce = 2;
// A helper gives up its spin when the CPUs were taken at this many clock reads in a row, not for one short call.
constexpr int kCrowdedReads = 8;
// Idle spins in a row of a helper while a call computes: waking it costs the call more.
constexpr int kSpinsBesideCall = 20;
constexpr auto kRetryStart = std::chrono::seconds(1);
// How long a CPU is left to the next call of the thread that had it.
constexpr auto kLull = std::chrono::microseconds(200);

// Constant-initialised and never destroyed: helpers may outlive static destructors.
struct Pool {
  JobBoard board;
  Callers callers;
  alignas(64) CensusWord census;
  alignas(64) std::atomic<uint32_t> wake_tokens{0};
  std::atomic<int> cpus{0};
  std::atomic<int> started{0};
  std::atomic<SteadyClock::rep> retry_start_at{0};
  std::atomic<SteadyClock::rep> filled_at{0};  // when a call last ended while calls took all CPUs; 0: never
};
constinit Pool g_pool;

// Calls that this thread is in; a helper counts as in one from its start.
thread_local int t_calls = 0;
// Its place among the callers while it is in one.
thread_local int t_place = -1;
// Scopes of WorkAlone that this thread is in.
thread_local int t_alone = 0;

int pool_cpus() {
  int cpus = g_pool.cpus.load(std::memory_order_relaxed);
  if (cpus == 0) g_pool.cpus.store(cpus = available_cpus(), std::memory_order_relaxed);
  return cpus;
}

void helper_main();

void start_one(int limit) {
  SteadyClock::rep now = SteadyClock::now().time_since_epoch().count();
  if (now < g_pool.retry_start_at.load(std::memory_order_relaxed)) return;
  bool counted = g_pool.census.update([&](Census& c) { return c.threads() < limit && ++c.awake; });
  if (!counted) return;
  if (start_helper_thread(helper_main, "engine-", 1 + g_pool.started.fetch_add(1))) return;
  g_pool.census.update([](Census& c) { return c.awake-- > 0; });
  g_pool.retry_start_at.store(now + SteadyClock::duration(kRetryStart).count(), std::memory_order_relaxed);
}

void wake(int count) {
  int woken = 0;
  g_pool.census.update([&](Census& c) {
    woken = std::min(count, c.sleeping);
    c.sleeping -= woken;
    c.awake += woken;
    return woken > 0;
  });
  if (woken == 0) return;
  g_pool.wake_tokens.fetch_add(uint32_t(woken));
  futex_wake(g_pool.wake_tokens, woken);
}

// Calls took all CPUs a moment ago: whoever had the one that is free may be back with its next call at once.
bool just_filled() {
  const SteadyClock::rep at = g_pool.filled_at.load(std::memory_order_relaxed);
  return at != 0 && SteadyClock::now().time_since_epoch().count() - at < SteadyClock::duration(kLull).count();
}

// Gets helpers under way for `places` open places of a job that was posted with `helpers`.
void summon(int places, int helpers) {
  int cpus = pool_cpus();
  Census census = g_pool.census.read();
  int missing = census.missing(places, cpus);
  if (missing == 0 || just_filled()) return;
  if (census.sleeping > 0) wake(std::min(missing, kWakeAtOnce));
  int limit = std::min(ThreadPool::kMaxHelpers, std::max(cpus - 1, helpers));
  if (missing > census.sleeping && census.threads() < limit) start_one(limit);
}

bool help_one_job() {
  if (!g_pool.board.any_open()) return false;
  int cpus = pool_cpus();
  bool admitted = g_pool.census.update([&](Census& c) { return c.may_help(cpus) && c.awake-- > 0 && ++c.busy; });
  if (!admitted) return false;
  JobBoard::Place place;
  bool taken = g_pool.board.take(&place);
  if (taken) {
    if (place.cpu >= 0 && place.cpu == current_cpu()) leave_cpu();
    summon(place.left + (g_pool.board.any_open() ? 1 : 0), place.helpers);
    place.body(place.arg, place.worker);
  }
  // Awake again before the job's caller may go on: its next job counts on this helper.
  g_pool.census.update([](Census& c) { return c.busy-- > 0 && ++c.awake; });
  if (taken && g_pool.board.leave(place)) g_pool.callers.wait_over(place.caller);
  return taken;
}

void take_wake_token() {
  for (;;) {
    uint32_t tokens = g_pool.wake_tokens.load();
    while (tokens > 0) {
      if (g_pool.wake_tokens.compare_exchange_weak(tokens, tokens - 1)) return;
    }
    futex_wait(g_pool.wake_tokens, 0);
  }
}

// A job posted after the first update sees this helper asleep; one posted before is seen here.
void sleep_until_woken() {
  g_pool.census.update([](Census& c) { return c.awake-- > 0 && ++c.sleeping; });
  if (g_pool.board.any_open() && g_pool.census.read().may_help(pool_cpus())) {
    bool back = g_pool.census.update([](Census& c) { return c.sleeping-- > 0 && ++c.awake; });
    if (back) return;
  }
  take_wake_token();
}

// False when this helper had better sleep: its spin is over or its CPU is wanted.
bool keep_spinning(SpinWait& spin, int& crowded) {
  if (!spin.pause()) return false;
  if (!spin.at_clock()) return true;
  crowded = g_pool.census.read().crowded(pool_cpus()) ? crowded + 1 : 0;
  return crowded < kCrowdedReads;
}

enum class Spun { kHelped, kIdle, kCrowded };

// Looks for a job for the time of one spin; kCrowded: gave up since its CPU is wanted. In the latter half of an idle spin `watch`
// notes the callers.
Spun spin_once(Callers::Watch& watch) {
  SpinWait spin;
  int crowded = 0;
  bool noted = false;
  do {
    if (help_one_job()) return Spun::kHelped;
    if (noted || !spin.past_half()) continue;
    watch.note(g_pool.callers);
    noted = true;
  } while (keep_spinning(spin, crowded));
  return g_pool.census.read().crowded(pool_cpus()) ? Spun::kCrowded : Spun::kIdle;
}

// Helps until there was nothing to do for the time of a spin, or of many while a call computes on another thread, whose next parallel
// part may be near. A caller that got no CPU in the latter half of a spin is moved to this CPU, which is idle from then on.
void help_until_idle() {
  for (int idle = 0; idle < kSpinsBesideCall;) {
    Callers::Watch watch;
    const Spun spun = spin_once(watch);
    if (spun == Spun::kCrowded) return;
    if (spun == Spun::kIdle && (watch.move_one(g_pool.callers) || !g_pool.callers.any() || spin_limit_ns() == 0)) return;
    idle = spun == Spun::kHelped ? 0 : idle + 1;
  }
}

void helper_main() {
  t_calls = 1;
  for (;;) {
    help_until_idle();
    sleep_until_woken();
  }
}

void reset_after_fork() {
  reset_moves_after_fork();
  g_pool.board.reset_after_fork();
  g_pool.callers.reset_after_fork(t_place);
  g_pool.census.reset({.callers = t_calls > 0 ? 1 : 0});
  g_pool.wake_tokens.store(0);
  g_pool.cpus.store(0);
  g_pool.started.store(0);
  g_pool.retry_start_at.store(0);
  g_pool.filled_at.store(0);
}

#if !defined(_WIN32)
[[maybe_unused]] const int g_atfork = pthread_atfork(nullptr, nullptr, reset_after_fork);
#endif

}  // namespace

CallScope::CallScope() {
  if (t_calls++ > 0) return;
  g_pool.census.add_caller();
  t_place = g_pool.callers.enter();
}

CallScope::~CallScope() {
  if (--t_calls > 0) return;
  g_pool.callers.leave(t_place);
  t_place = -1;
  Census census = g_pool.census.remove_caller();
  if (census.callers + 1 == pool_cpus() && census.callers > 0) g_pool.filled_at.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_relaxed);
  else if (census.sleeping > 0 && g_pool.board.any_open()) summon(1, 1);
}

void expect_caller() { g_pool.census.add_caller(); }
void caller_came() { g_pool.census.remove_caller(); }
bool this_cpu_is_next() { return g_pool.census.read().callers >= pool_cpus() && !g_pool.callers.other_on(current_cpu(), t_place); }

WorkAlone::WorkAlone() { ++t_alone; }
WorkAlone::~WorkAlone() { --t_alone; }

ThreadPool& ThreadPool::instance() {
  static constinit ThreadPool pool;
  return pool;
}

void ThreadPool::run(int helpers, Body body, void* arg) {
  CallScope call;
  g_pool.callers.note_cpu(t_place, current_cpu());
  helpers = std::min(helpers, kMaxHelpers);
  JobBoard::Job job;
  if (helpers <= 0 || t_alone > 0 || !g_pool.board.post(helpers, t_place, body, arg, &job)) return body(arg, 0);
  struct Withdrawal {
    const JobBoard::Job& job;
    ~Withdrawal() {
      g_pool.callers.waits(t_place, true);
      g_pool.board.withdraw(job);
      g_pool.callers.waits(t_place, false);
    }
  } withdrawal{job};
  summon(helpers, helpers);
  body(arg, 0);
}

void ThreadPool::ask_again() {
  if (!g_pool.board.any_open()) return;
  const Census census = g_pool.census.read();
  if (census.awake == 0 && census.may_help(pool_cpus())) summon(1, 1);
}

bool ThreadPool::may_stay() { return g_pool.census.read().may_stay(pool_cpus()); }

void ThreadPool::set_cpus_for_testing(int cpus) { g_pool.cpus.store(cpus, std::memory_order_relaxed); }

int ThreadPool::threads() const { return g_pool.census.read().threads(); }

}  // namespace engine
