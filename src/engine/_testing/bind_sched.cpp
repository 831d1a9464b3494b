#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sched/callers.h"
#include "sched/census.h"
#include "sched/clock.h"
#include "sched/cpus.h"
#include "sched/late_thread.h"
#include "sched/run_context.h"
#include "sched/spin.h"
#include "sched/thread_pool.h"

namespace py = pybind11;
using engine::ThreadPool;

namespace {

std::atomic<int64_t> g_fake_now{0};
int64_t fake_now() { return g_fake_now.load(); }

int64_t real_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void work_for(int64_t ns) {
  for (int64_t end = real_ns() + ns; real_ns() < end;) {
  }
}

// A job whose items are claimed one by one: counts each item and each worker that came.
struct CountingJob {
  CountingJob(int64_t items, int helpers, int64_t item_ns) : counts(items), workers(helpers + 1), item_ns(item_ns) {}
  std::vector<std::atomic<int>> counts, workers;
  std::atomic<int64_t> next{0};
  std::atomic<bool> bad_worker{false};
  int64_t item_ns;

  static void body(void* arg, int worker) {
    CountingJob& job = *static_cast<CountingJob*>(arg);
    if (worker < 0 || worker >= int(job.workers.size()) || job.workers[worker].fetch_add(1) != 0) job.bad_worker = true;
    for (int64_t i; (i = job.next.fetch_add(1)) < int64_t(job.counts.size());) {
      job.counts[i].fetch_add(1);
      if (job.item_ns) work_for(job.item_ns);
    }
  }
  bool exactly_once() const {
    for (const auto& count : counts) {
      if (count != 1) return false;
    }
    return !bad_worker && workers[0] == 1;
  }
  int helpers_that_came() const {
    int came = 0;
    for (size_t w = 1; w < workers.size(); ++w) came += workers[w];
    return came;
  }
};

// `callers` threads at once run `jobs` jobs each; whole_call: each inside a call that lasts from before the first
// caller's first job until after the last one's last. (jobs done right, helpers that came in all).
std::pair<int64_t, int64_t> pool_count(int callers, int jobs, int helpers, int64_t items, int64_t item_ns,
                                       bool whole_call) {
  std::atomic<int64_t> right{0}, came{0};
  std::barrier all(callers);
  auto call = [&] {
    std::unique_ptr<engine::CallScope> scope(whole_call ? new engine::CallScope : nullptr);
    if (whole_call) all.arrive_and_wait();
    for (int j = 0; j < jobs; ++j) {
      CountingJob job(items, helpers, item_ns);
      ThreadPool::instance().run(helpers, CountingJob::body, &job);
      right += job.exactly_once();
      came += job.helpers_that_came();
    }
    if (whole_call) all.arrive_and_wait();
  };
  std::vector<std::thread> threads;
  for (int c = 1; c < callers; ++c) threads.emplace_back(call);
  call();
  for (std::thread& thread : threads) thread.join();
  return {right.load(), came.load()};
}

// An outer job each of whose items runs an inner job. (inner jobs done right, of them on a helper).
std::pair<int64_t, int64_t> pool_nested(int helpers, int64_t outer_items, int64_t inner_items, int64_t item_ns) {
  struct Outer {
    std::atomic<int64_t> next{0}, right{0}, on_helper{0};
    int helpers;
    int64_t items, inner_items, item_ns;
  } outer;
  outer.helpers = helpers;
  outer.items = outer_items;
  outer.inner_items = inner_items;
  outer.item_ns = item_ns;
  auto body = [](void* arg, int worker) {
    Outer& o = *static_cast<Outer*>(arg);
    while (o.next.fetch_add(1) < o.items) {
      CountingJob inner(o.inner_items, o.helpers, o.item_ns);
      ThreadPool::instance().run(o.helpers, CountingJob::body, &inner);
      o.right += inner.exactly_once();
      o.on_helper += worker > 0;
    }
  };
  ThreadPool::instance().run(helpers, body, &outer);
  return {outer.right.load(), outer.on_helper.load()};
}

// What RunContext::parallel did: its status, the items' counts, and the checkpoints.
struct ParallelResult {
  std::string code;
  py::array_t<int> counts;
  int64_t checkpoints;
  int most_worker;
};

struct Token {
  engine::RefPtr<engine::CancelToken> token = engine::make_ref<engine::CancelToken>();
};

ParallelResult run_parallel(int64_t items, double ns_per_item, int threads, int64_t deadline_ns, const Token* token,
                            int64_t item_ns, int64_t fake_step_ns) {
  std::vector<std::atomic<int>> counts(std::max<int64_t>(items, 0));
  std::atomic<int> most_worker{0};
  engine::RunControl control(deadline_ns, token ? token->token.get() : nullptr);
  engine::Status status;
  {
    py::gil_scoped_release release;
    engine::RunContext ctx(control, threads);
    status = ctx.parallel(items, ns_per_item, [&](int64_t begin, int64_t end, int worker) {
      for (int seen = most_worker; worker > seen && !most_worker.compare_exchange_weak(seen, worker);) {
      }
      for (int64_t i = begin; i < end; ++i) ++counts[i];
      g_fake_now += fake_step_ns * (end - begin);
      if (item_ns) work_for(item_ns * (end - begin));
    });
  }
  ParallelResult result{engine::code_name(status.code()), py::array_t<int>(counts.size()), control.checkpoints(),
                        most_worker};
  for (size_t i = 0; i < counts.size(); ++i) result.counts.mutable_at(i) = counts[i];
  return result;
}

// RunControl::check_after, at most `count` times: pieces of work of `ns` by their estimate and took_ns by the fake clock.
// (pieces done, checkpoints, code).
py::tuple check_after(int64_t count, double ns, int64_t took_ns, int64_t deadline_ns, int64_t begun_ns, const Token* token) {
  engine::RunControl control(deadline_ns, token ? token->token.get() : nullptr, nullptr, nullptr, begun_ns);
  int64_t done = 0;
  for (bool going = control.check_step(); going && done < count; going = control.check_after(ns)) {
    g_fake_now += took_ns;
    ++done;
  }
  return py::make_tuple(done, control.checkpoints(), engine::code_name(control.status().code()));
}

// `reps` jobs of `items` items that take item_ns each, one after another: the nanoseconds of each job.
std::vector<int64_t> pool_latency(int reps, int64_t items, int64_t item_ns, int helpers, int64_t pause_ns) {
  std::vector<int64_t> ns;
  engine::CallScope call;
  for (int r = 0; r < reps; ++r) {
    CountingJob job(items, helpers, item_ns);
    int64_t begin = real_ns();
    ThreadPool::instance().run(helpers, CountingJob::body, &job);
    ns.push_back(real_ns() - begin);
    if (pause_ns) work_for(pause_ns);
  }
  return ns;
}

engine::Callers g_callers;

// Enters g_callers, computes for `ns` and leaves; waits: sleeps and says so; over: and is told that what it waits for is done;
// still: sleeps without a word, as one that gets no CPU.
int compute_for(int64_t ns, bool waits, bool over, bool still) {
  const int place = g_callers.enter();
  if (waits) g_callers.waits(place, true);
  if (over) g_callers.wait_over(place);
  if (waits || still) std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
  else work_for(ns);
  if (waits) g_callers.waits(place, false);
  g_callers.leave(place);
  return place;
}

// What a helper does that has nothing to do for `ns`: whether it had better sleep for one of g_callers.
bool watch_callers(int64_t ns) {
  engine::Callers::Watch watch;
  watch.note(g_callers);
  std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
  return watch.move_one(g_callers);
}

void bind_pool(py::module_& m) {
  using Released = py::call_guard<py::gil_scoped_release>;
  m.def("pool_threads", [] { return ThreadPool::instance().threads(); });
  m.def("set_pool_cpus", [](int cpus) { ThreadPool::instance().set_cpus_for_testing(cpus); });
  m.attr("pool_max_helpers") = int(ThreadPool::kMaxHelpers);
  m.def("spin_limit_ns", engine::spin_limit_ns);
  m.def("pool_count", pool_count, py::arg("callers"), py::arg("jobs"), py::arg("helpers"), py::arg("items"),
        py::arg("item_ns") = 0, py::arg("whole_call") = false, Released());
  m.def("pool_nested", pool_nested, py::arg("helpers"), py::arg("outer_items"), py::arg("inner_items"),
        py::arg("item_ns") = 0, Released());
  m.def("pool_latency", pool_latency, py::arg("reps"), py::arg("items"), py::arg("item_ns"), py::arg("helpers"),
        py::arg("pause_ns") = 0, Released());
  py::class_<engine::LateThread>(m, "LateThread").def(py::init<>()).def("look", &engine::LateThread::look);
  m.def("current_cpu", engine::current_cpu);
  m.def("leave_cpu", engine::leave_cpu);
  // Moves thread `number`, which is leaving `cpu`, to the calling thread's CPU.
  m.def("move_leaving_thread_here", [](int number, int cpu) {
    engine::LeavingForTesting leaving(number, cpu);
    return engine::move_here(number);
  });
  m.def("let_nobody_move_for", [](int64_t ns) {
    engine::NobodyMoves nobody;
    std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
  }, Released());
  py::class_<engine::WakeHere>(m, "WakeHere")
      .def(py::init<>())
      .def("narrow", &engine::WakeHere::narrow)
      .def("widen", &engine::WakeHere::widen);
  m.def("expect_caller", engine::expect_caller);
  m.def("caller_came", engine::caller_came);
  m.def("other_caller_on", [](int cpu, int place) { return g_callers.other_on(cpu, place); });
  m.def("watch_callers", watch_callers, py::arg("ns"), Released());
  m.def("compute_for", compute_for, py::arg("ns"), py::arg("waits") = false, py::arg("over") = false,
        py::arg("still") = false, Released());
  m.def("census_may_stay", [](int callers, int busy, int cpus) { return engine::Census{callers, busy, 0, 0}.may_stay(cpus); });
  m.def("census_policy", [](int callers, int busy, int awake, int places, int cpus) {
    engine::Census census{callers, busy, awake, 0};
    return py::make_tuple(census.may_help(cpus), census.crowded(cpus), census.missing(places, cpus));
  });
}

void bind_run(py::module_& m) {
  py::class_<Token>(m, "CancelToken").def(py::init<>()).def("cancel", [](Token& t) { t.token->cancel(); });
  py::class_<ParallelResult>(m, "ParallelResult")
      .def_readonly("code", &ParallelResult::code)
      .def_readonly("counts", &ParallelResult::counts)
      .def_readonly("checkpoints", &ParallelResult::checkpoints)
      .def_readonly("most_worker", &ParallelResult::most_worker);
  m.def("run_parallel", run_parallel, py::arg("items"), py::arg("ns_per_item"), py::arg("threads"),
        py::arg("deadline_ns") = engine::kNever, py::arg("token") = nullptr, py::arg("item_ns") = 0,
        py::arg("fake_step_ns") = 0);
  m.def("check_after", check_after, py::arg("count"), py::arg("ns"), py::arg("took_ns"), py::arg("deadline_ns"), py::arg("begun_ns") = 0,
        py::arg("token") = nullptr);
  m.attr("UNREAD_NS") = engine::kUnreadNs;
  m.attr("LEAST_WORK_NS") = engine::kLeastWorkNs;
  m.def("now_ns", engine::now_ns);
  m.def("set_fake_clock", [](int64_t ns) {
    g_fake_now = ns;
    engine::set_clock_for_testing(fake_now);
  });
  m.def("use_real_clock", [] { engine::set_clock_for_testing(nullptr); });
  m.attr("TILE_NS") = engine::kTileNs;
}

}  // namespace

void bind_sched(py::module_& m) {
  m.def("available_cpus", engine::available_cpus);
  m.def("cgroup_cpu_quota", engine::cgroup_cpu_quota, py::arg("root"), py::arg("proc_self_cgroup"));
  bind_pool(m);
  bind_run(m);
}
