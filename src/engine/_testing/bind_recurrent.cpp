#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "kernels/recurrent/recurrent.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

}  // namespace

void bind_recurrent(py::module_& parent) {
  py::module_ m = parent.def_submodule("recurrent");
  m.def("lstm", [](const Floats& x, const Floats& g, Floats& c, Floats& h) {
    recurrent_kernels().lstm(x.data(), g.data(), size_t(h.size()), c.mutable_data(), h.mutable_data());
  });
  m.def("gru", [](const Floats& x, const Floats& g, const Floats& bias, Floats& h) {
    recurrent_kernels().gru(x.data(), g.data(), bias.data(), size_t(h.size()), h.mutable_data());
  });
  m.def("gru_gates", [](const Floats& x, Floats& g, const Floats& h, Floats& reset) {
    recurrent_kernels().gru_gates(x.data(), g.mutable_data(), size_t(h.size()), h.data(), reset.mutable_data());
  });
  m.def("gru_finish", [](const Floats& x, const Floats& g, Floats& h) {
    recurrent_kernels().gru_finish(x.data(), g.data(), size_t(h.size()), h.mutable_data());
  });
}
