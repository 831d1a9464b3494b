#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "kernels/softmax/softmax.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

// y may be x. mask: None, one row or as many rows as x.
void softmax_rows(const Floats& x, Floats& y, float scale, const py::object& mask) {
  SoftmaxRows args{x.data(), y.mutable_data(), size_t(x.shape(0)), size_t(x.shape(1)), scale};
  Floats masks;
  if (!mask.is_none()) {
    masks = mask.cast<Floats>();
    args.mask = masks.data();
    args.mask_stride = masks.shape(0) == 1 ? 0 : args.n;
  }
  softmax_kernels().softmax_rows(args);
}

void log_softmax_rows(const Floats& x, Floats& y) {
  softmax_kernels().log_softmax_rows({x.data(), y.mutable_data(), size_t(x.shape(0)), size_t(x.shape(1))});
}

// Columns first .. last.
SoftmaxColumns columns(const Floats& x, Floats& y, size_t first, size_t last) {
  return {x.data() + first, y.mutable_data() + first, size_t(x.shape(0)), size_t(x.shape(1)), last - first};
}

}  // namespace

void bind_softmax(py::module_& parent) {
  py::module_ m = parent.def_submodule("softmax");
  m.def("softmax_rows", softmax_rows, py::arg("x"), py::arg("y"), py::arg("scale") = 1.0f,
        py::arg("mask") = py::none());
  m.def("log_softmax_rows", log_softmax_rows);
  m.def("softmax_columns", [](const Floats& x, Floats& y, size_t first, size_t last) {
    softmax_kernels().softmax_columns(columns(x, y, first, last));
  });
  m.def("log_softmax_columns", [](const Floats& x, Floats& y, size_t first, size_t last) {
    softmax_kernels().log_softmax_columns(columns(x, y, first, last));
  });
}
