#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "service/async_call.h"
#include "service/loader.h"

namespace py = pybind11;
using namespace engine;

namespace {

// A model with one float input and one float output in a service of this module's core, whose allocations can be made to fail.
struct TestService {
  RefPtr<Service> service;
  RefPtr<Mailbox> mailbox = make_ref<Mailbox>(false);

  TestService() {
    ServiceOptions options;
    options.keep_versions = 0;
    service = make_ref<Service>(options);
  }

  std::string load(const std::string& bytes, bool background) {
    ModelSource source;
    source.data = bytes.data();
    source.size = bytes.size();
    LoadOptions options;
    options.threads = 1;
    Result<RefPtr<Model>> loaded = load_for(*service, source, options, WarmUp(), background);
    if (!loaded.ok()) return code_name(std::move(loaded).status().code());
    Result<int> number = service->publish(loaded.take(), false);
    return number.ok() ? "Ok" : code_name(std::move(number).status().code());
  }

  // A call on ones of that shape; the code, and the smallest and largest element of the answer.
  py::tuple run(const std::vector<int64_t>& dims, bool async, bool outputs_given) {
    std::vector<float> x = ones(dims), y(x.size());
    std::string code;
    if (async) {
      RefPtr<AsyncCall> call = make_ref<AsyncCall>(service, mailbox);
      code = open(call->call(), dims, x);
      if (code != "Ok") return py::make_tuple(code, 0, 0);
      call->start(CallOptions());
      while (!mailbox->take()) mailbox->wait(kNever);
      return answer(call->status(), call->call());
    }
    Call call(*service);
    code = open(call, dims, x);
    if (code != "Ok") return py::make_tuple(code, 0, 0);
    if (!call.enter_at_once(CallOptions())) return answer(call.wait_and_run(CallOptions()), call);
    if (outputs_given && call.fixed(0)) call.bind_output(0, y.data());
    return answer(call.run(), call);
  }

  py::dict stats() {
    MetricsSnapshot seen = service->metrics().snapshot();
    py::dict out;
    out["started"] = seen.started;
    out["in_flight"] = seen.in_flight;
    out["running"] = service->admission().running();
    out["queued"] = service->admission().queued();
    out["used"] = service->account()->used();
    return out;
  }

 private:
  static std::vector<float> ones(const std::vector<int64_t>& dims) {
    int64_t count = 1;
    for (int64_t d : dims) count *= d;
    return std::vector<float>(size_t(count), 1.0f);
  }
  static std::string open(Call& call, const std::vector<int64_t>& dims, std::vector<float>& x) {
    Status status = call.open();
    if (status.ok()) call.set_tensor(0, DType::Float, int(dims.size()), dims.data(), x.data());
    return code_name(status.code());
  }
  static py::tuple answer(const Status& status, Call& call) {
    if (!status.ok()) return py::make_tuple(code_name(status.code()), 0, 0);
    const Tensor& y = call.output(0).tensor;
    const float* data = static_cast<const float*>(y.data);
    auto [least, most] = std::minmax_element(data, data + y.shape.elements());
    return py::make_tuple("Ok", *least, *most);
  }
};

}  // namespace

void bind_service_calls(py::module_& m) {
  py::class_<TestService>(m, "Service")
      .def(py::init<>())
      .def("load", &TestService::load, py::arg("bytes"), py::arg("background") = false)
      .def("run", &TestService::run, py::arg("dims"), py::arg("async_") = false, py::arg("outputs_given") = false)
      .def("stats", &TestService::stats)
      .def("close", [](TestService& s) { s.service->close(); });
}
