// Runs a model on the calling thread with a clock that watches who reads it: how often, how far apart, and what happens when
// the deadline passes at the n-th read.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <time.h>

#include <cstring>

#include "ops/op_evaluate.h"
#include "sched/clock.h"
#include "service/model.h"

namespace py = pybind11;
using namespace engine;

namespace {

int64_t read_clock(clockid_t which) {
  timespec t;
  clock_gettime(which, &t);
  return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

constexpr int64_t kMostGaps = 1 << 17;
constexpr int64_t kDeadline = 1000;  // of the watching clock, which stands at 0 until it jumps

// What the watching clock saw. Calls use one thread, so that plain variables do.
struct Watch {
  int64_t reads = 0, jump_at = 0, cpu = 0, wall = 0;
  int64_t cpu_gaps[kMostGaps], wall_gaps[kMostGaps];
  int64_t gaps = 0;  // kept

  void start(int64_t jump) {
    reads = gaps = 0;
    jump_at = jump;
    cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    wall = read_clock(CLOCK_MONOTONIC);
  }
  void gap() {
    int64_t now_cpu = read_clock(CLOCK_THREAD_CPUTIME_ID), now_wall = read_clock(CLOCK_MONOTONIC);
    if (gaps < kMostGaps) {
      cpu_gaps[gaps] = now_cpu - cpu;
      wall_gaps[gaps++] = now_wall - wall;
    }
    cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    wall = read_clock(CLOCK_MONOTONIC);
  }
};

Watch g_watch;

int64_t watching_clock() {
  g_watch.gap();
  return ++g_watch.reads == g_watch.jump_at ? kDeadline : 0;
}

DType dtype_called(const std::string& name) {
  for (int d = 1; d < kDTypeCount; ++d)
    if (name == dtype_name(DType(d))) return DType(d);
  throw py::value_error("no dtype is called " + name);
}

void check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(code_name(status.code())) + ": " + status.message());
}

Tensor to_tensor(const py::tuple& given) {
  DType dtype = dtype_called(given[0].cast<std::string>());
  Shape shape;
  for (py::handle d : given[1]) shape.push_back(d.cast<int64_t>());
  Result<Tensor> made = make_tensor(dtype, shape, nullptr, "an input");
  check(made.ok() ? Status() : std::move(made).status());
  Tensor tensor = made.take();
  if (dtype == DType::String) {
    int64_t i = 0;
    for (py::handle s : given[2]) tensor.as<std::string>()[i++] = s.cast<std::string>();
  } else {
    std::string_view bytes = given[2].cast<std::string_view>();
    if (int64_t(bytes.size()) != tensor.bytes()) throw py::value_error("the bytes do not fit the shape");
    std::memcpy(tensor.data, bytes.data(), bytes.size());
  }
  return tensor;
}

// A tensor is (dtype, shape, bytes or a list of bytes), a sequence a list of values, a map a dict {"keys": ..., "values": ...}.
Value to_value(const py::handle& given) {
  Value value;
  if (given.is_none()) return value;
  auto parts = std::make_shared<ValueParts>();
  if (py::isinstance<py::list>(given)) {
    value.kind = ValueKind::Sequence;
    for (py::handle item : given) parts->items.push_back(to_value(item));
  } else if (py::isinstance<py::dict>(given)) {
    value.kind = ValueKind::Map;
    for (const char* side : {"keys", "values"}) parts->items.push_back(to_value(given[side]));
  } else {
    value.kind = ValueKind::Tensor;
    value.tensor = to_tensor(py::reinterpret_borrow<py::tuple>(given));
    return value;
  }
  value.parts = std::move(parts);
  return value;
}

// A hash of all that a value holds: answers are compared, not looked at.
uint64_t fingerprint(const Value& value) {
  uint64_t h = 14695981039346656037u;
  auto mix = [&](const void* data, size_t n) {
    h = (h ^ std::hash<std::string_view>()({static_cast<const char*>(data), n})) * 1099511628211u;
  };
  auto number = [&](int64_t v) { mix(&v, sizeof v); };
  number(int64_t(value.kind));
  if (value.kind == ValueKind::Tensor) {
    const Tensor& t = value.tensor;
    number(int64_t(t.dtype));
    for (int i = 0; i < t.shape.rank(); ++i) number(t.shape[i]);
    if (t.dtype != DType::String) mix(t.data, size_t(t.bytes()));
    else
      for (int64_t i = 0; i < t.elements(); ++i) mix(t.as<std::string>()[i].data(), t.as<std::string>()[i].size());
  }
  if (value.parts)
    for (const Value& item : value.parts->items) number(int64_t(fingerprint(item)));
  return h;
}

class WatchedModel {
 public:
  WatchedModel(const py::bytes& bytes, bool allow_random) {
    LoadOptions options;
    options.threads = 1;
    options.allow_random = allow_random;
    std::string_view view = bytes;
    Result<RefPtr<Model>> loaded = Model::load_bytes(view.data(), view.size(), options);
    check(loaded.ok() ? Status() : std::move(loaded).status());
    model_ = loaded.take();
  }

  void feed(const py::list& inputs) {
    inputs_.clear();
    refs_.clear();
    for (py::handle given : inputs) inputs_.push_back(to_value(given));
    for (size_t i = 0; i < inputs_.size(); ++i) refs_.push_back(inputs[i].is_none() ? nullptr : &inputs_[i]);
    Result<RefPtr<PlanEntry>> entry = model_->program().entry_for(refs_);
    check(entry.ok() ? Status() : std::move(entry).status());
    entry_ = entry.take();
    outputs_.assign(model_->outputs().size(), Value());
  }

  // Runs on what was fed, the deadline passing at the jump-th read of the clock (0: never). A dict of what was seen.
  py::dict run(int64_t jump) {
    std::vector<Value> outputs = outputs_;
    for (Value& v : outputs) v.tensor.buffer = nullptr;
    RunControl control(kDeadline);
    Status status;
    {
      py::gil_scoped_release release;
      set_clock_for_testing(watching_clock);
      g_watch.start(jump);
      {
        RunContext context(control, 1);
        status = model_->program().run_entry(*entry_, context, refs_, outputs);
      }
      g_watch.gap();
      set_clock_for_testing(nullptr);
    }
    py::dict seen;
    seen["code"] = code_name(status.code());
    seen["message"] = status.message();
    seen["checkpoints"] = control.checkpoints();
    seen["reads"] = g_watch.reads;
    seen["cpu_gaps"] = py::array_t<int64_t>(g_watch.gaps, g_watch.cpu_gaps);
    seen["wall_gaps"] = py::array_t<int64_t>(g_watch.gaps, g_watch.wall_gaps);
    if (status.ok()) {
      py::list answers;
      for (const Value& v : outputs) answers.append(fingerprint(v));
      seen["answers"] = answers;
      keep(outputs);
    }
    return seen;
  }

  int64_t memory() const { return model_->account().used(); }

 private:
  // The next run computes its outputs of known shape where this one did, as a caller's arrays that have been touched.
  void keep(std::vector<Value>& outputs) {
    for (size_t k = 0; k < outputs.size(); ++k)
      if (entry_->plan().outputs[k].fixed && outputs[k].tensor.buffer) outputs_[k] = std::move(outputs[k]);
  }

  RefPtr<Model> model_;
  RefPtr<PlanEntry> entry_;
  std::vector<Value> inputs_, outputs_;
  std::vector<const Value*> refs_;
};

}  // namespace

void bind_checkpoints(py::module_& m) {
  py::class_<WatchedModel>(m, "WatchedModel")
      .def(py::init<const py::bytes&, bool>(), py::arg("bytes"), py::arg("allow_random") = false)
      .def("feed", &WatchedModel::feed)
      .def("run", &WatchedModel::run, py::arg("jump") = 0)
      .def("memory", &WatchedModel::memory);
}
