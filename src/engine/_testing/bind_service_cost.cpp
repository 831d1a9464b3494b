// What the service adds to a call: elapsed times of loops over its parts.
#include <pybind11/pybind11.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sched/clock.h"
#include "service/admission.h"
#include "service/metrics.h"

namespace py = pybind11;
using namespace engine;

namespace {

// Nanoseconds a round that `loop(rounds)` takes on each of `threads` threads, which start together.
template <class Loop>
double ns_a_round(int64_t rounds, int threads, Loop loop) {
  py::gil_scoped_release release;
  std::atomic<int> missing{threads};
  std::atomic<int64_t> total{0};
  std::vector<std::thread> others;
  auto run = [&] {
    missing.fetch_sub(1);
    while (missing.load() > 0) {
    }
    int64_t start = now_ns();
    loop(rounds);
    total.fetch_add(now_ns() - start);
  };
  for (int i = 1; i < threads; ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
  return double(total.load()) / double(rounds) / threads;
}

double admission_ns(int64_t rounds, int threads, int permits) {
  Admission admission(permits, 0, true);
  std::atomic<int64_t> refused{0};
  double ns = ns_a_round(rounds, threads, [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      if (admission.try_enter()) admission.leave();
      else refused.fetch_add(1);
    }
  });
  if (admission.running() != 0) throw std::runtime_error("a permit was lost");
  if (permits >= threads && refused != 0) throw std::runtime_error("a permit was refused although one was free");
  return ns;
}

double metrics_ns(int64_t rounds, int threads) {
  Metrics metrics;
  double ns = ns_a_round(rounds, threads, [&](int64_t count) {
    MetricsBlock& block = metrics.current();
    for (int64_t i = 0; i < count; ++i) {
      block.start();
      block.measure(Measure::queue, 0);
      block.measure(Measure::compute, 3000 + (i & 1023));
      block.measure(Measure::total, 4000 + (i & 1023));
      block.end(Outcome::ok);
    }
  });
  MetricsSnapshot seen = metrics.snapshot();
  uint64_t calls = uint64_t(rounds) * uint64_t(threads);
  if (seen.started != calls || seen.in_flight != 0 || seen.histograms[size_t(Measure::total)].count() != calls)
    throw std::runtime_error("a call was not counted");
  return ns;
}

double clock_ns(int64_t rounds) {
  std::atomic<int64_t> last{0};
  return ns_a_round(rounds, 1, [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) last.store(now_ns(), std::memory_order_relaxed);
  });
}

}  // namespace

void bind_service_cost(py::module_& m) {
  m.def("admission_ns", &admission_ns, py::arg("rounds"), py::arg("threads") = 1, py::arg("permits") = 2,
        "Nanoseconds of entering and leaving, uncontended.");
  m.def("metrics_ns", &metrics_ns, py::arg("rounds"), py::arg("threads") = 1,
        "Nanoseconds of counting one call: its start, its end and three durations.");
  m.def("clock_ns", &clock_ns, py::arg("rounds"), "Nanoseconds of reading the clock.");
}
