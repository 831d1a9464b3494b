#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "plan/call_time.h"
#include "sched/cancel_token.h"
#include "sched/futex.h"
#include "sched/timer.h"
#include "service/admission.h"
#include "service/histogram.h"
#include "service/model_slot.h"

namespace py = pybind11;
using namespace engine;

namespace {

const char* decision_name(Decision decision) {
  constexpr const char* kNames[] = {"waiting", "granted", "full", "late", "expired", "closed", "withdrawn"};
  return kNames[size_t(decision)];
}

// One call's place at an admission; counts how often it was told.
class TestWaiter final : public Waiter {
 public:
  TestWaiter(int64_t deadline, int64_t expected, bool high) {
    deadline_ns = deadline;
    expected_ns = expected;
    high_priority = high;
  }
  int told() const { return told_.load(); }

 private:
  void on_decision() override { told_.fetch_add(1); }
  std::atomic<int> told_{0};
};

class TestTimer final : public Timer {
 public:
  ~TestTimer() { disarm(); }
  void on_time() override {
    rang_.fetch_add(1);
    futex_wake(rang_, 1 << 30);
  }
  int rang() const { return int(rang_.load()); }
  void wait() {
    while (rang_.load() == 0) futex_wait(rang_, 0);
  }

 private:
  std::atomic<uint32_t> rang_{0};
};

class TestListener final : public CancelListener {
 public:
  void on_cancel() override { ++told; }
  std::atomic<int> told{0};
};

// A token with one listener.
struct HeardToken {
  RefPtr<CancelToken> token = make_ref<CancelToken>();
  TestListener listener;
  ~HeardToken() { token->unlisten(listener); }
};

struct Number : RefCounted {
  explicit Number(int v) : value(v) { ++alive; }
  ~Number() override { --alive; }
  const int value;
  static inline std::atomic<int> alive{0};
};

// A slot of numbers; pins are kept by the number of the pin.
struct NumberSlot {
  ModelSlot<Number> slot;
  std::vector<ModelSlot<Number>::Pin> pins;
};

void bind_admission(py::module_& m) {
  py::class_<TestWaiter>(m, "Waiter")
      .def(py::init<int64_t, int64_t, bool>(), py::arg("deadline_ns") = kNever, py::arg("expected_ns") = 0, py::arg("high_priority") = false)
      .def_property_readonly("decision", [](const TestWaiter& w) { return decision_name(w.decision()); })
      .def_property_readonly("told", &TestWaiter::told);
  py::class_<Admission>(m, "Admission")
      .def(py::init<int, int, bool>(), py::arg("permits"), py::arg("max_queue"), py::arg("refuse_late") = true)
      .def("try_enter", &Admission::try_enter)
      .def("enter", [](Admission& a, TestWaiter& w) { return decision_name(a.enter(w)); })
      .def("withdraw", [](Admission& a, TestWaiter& w) { return a.withdraw(w, Decision::Withdrawn); })
      .def("leave", &Admission::leave)
      .def("close", &Admission::close)
      .def("open", &Admission::open)
      .def("send_away", &Admission::send_away)
      .def("wait_idle", &Admission::wait_idle, py::arg("until_ns"), py::arg("but") = 0, py::call_guard<py::gil_scoped_release>())
      .def("reset_after_fork", &Admission::reset_after_fork)
      .def_property_readonly("running", &Admission::running)
      .def_property_readonly("queued", &Admission::queued);
}

void bind_slot(py::module_& m) {
  py::class_<NumberSlot>(m, "NumberSlot")
      .def(py::init<>())
      .def("publish", [](NumberSlot& s, int value) { return s.slot.publish(make_ref<Number>(value)); })
      .def("publish_nothing", [](NumberSlot& s) { return s.slot.publish(nullptr); })
      .def("release", [](NumberSlot& s, int place) { s.slot.release(place); }, py::call_guard<py::gil_scoped_release>())
      .def("pinned", [](const NumberSlot& s, int place) { return s.slot.pinned(place); })
      .def("pin",
           [](NumberSlot& s) {
             s.pins.push_back(s.slot.pin());
             return s.pins.size() - 1;
           })
      .def("value", [](NumberSlot& s, size_t pin) { return s.pins.at(pin).value ? s.pins[pin].value->value : -1; })
      .def("unpin", [](NumberSlot& s, size_t pin) { s.slot.unpin(s.pins.at(pin)); })
      .def_static("alive", [] { return Number::alive.load(); });
}

void bind_figures(py::module_& m) {
  m.def("histogram_quantiles", [](const std::vector<int64_t>& values, const std::vector<double>& quantiles) {
    auto cell = std::make_unique<HistogramCell>();
    for (int64_t v : values) cell->add(v);
    Histogram sum;
    sum.add(*cell);
    std::vector<double> out;
    for (double q : quantiles) out.push_back(sum.quantile(q));
    return py::make_tuple(sum.count(), sum.sum(), out);
  });
  m.def("bucket_of", &Buckets::of);
  m.def("bucket_lower", &Buckets::lower);
  m.attr("BUCKETS") = int(Buckets::kCount);
  py::class_<CallTime>(m, "CallTime")
      .def(py::init<>())
      .def("record", &CallTime::record)
      .def("record_at_least", &CallTime::record_at_least)
      .def_property_readonly("expected", &CallTime::expected)
      .def_property_readonly("mean", &CallTime::mean);
}

}  // namespace

void bind_service(py::module_& m) {
  bind_admission(m);
  bind_slot(m);
  bind_figures(m);
  py::class_<TestTimer>(m, "Timer")
      .def(py::init<>())
      .def("arm", &TestTimer::arm)
      .def("disarm", &TestTimer::disarm, py::call_guard<py::gil_scoped_release>())
      .def("wait", &TestTimer::wait, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("rang", &TestTimer::rang);
  py::class_<HeardToken>(m, "HeardToken")
      .def(py::init<>())
      .def("cancel", [](HeardToken& t) { t.token->cancel(); })
      .def("listen", [](HeardToken& t) { return t.token->listen(t.listener); })
      .def("unlisten", [](HeardToken& t) { t.token->unlisten(t.listener); })
      .def_property_readonly("cancelled", [](HeardToken& t) { return t.token->cancelled(); })
      .def_property_readonly("told", [](HeardToken& t) { return t.listener.told.load(); });
  m.def("fail_allocation_after", fail_allocation_after);
}
