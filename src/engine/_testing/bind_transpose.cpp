#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "kernels/copy/strided.h"

namespace py = pybind11;
using namespace engine;

namespace {

Element element_of(const py::array& x) {
  switch (x.itemsize()) {
    case 1:
      return Element::Bits8;
    case 2:
      return Element::Bits16;
    case 4:
      return Element::Bits32;
    case 8:
      return Element::Bits64;
    default:
      return Element::Bits128;
  }
}

std::vector<int64_t> element_strides(const py::array& x) {
  std::vector<int64_t> strides;
  for (py::ssize_t d = 0; d < x.ndim(); ++d) strides.push_back(x.strides(d) / x.itemsize());
  return strides;
}

// y[...] = x[...] for arrays of one shape and any strides, in items that are cut at the given places. Returns how many
// items there are.
int64_t copy(const py::array& x, py::array y, const std::vector<int64_t>& cuts) {
  std::vector<int64_t> dims(x.shape(), x.shape() + x.ndim());
  StridedCopy plan(element_of(x), int(x.ndim()), dims.data(), element_strides(x).data(), element_strides(y).data());
  int64_t first = 0;
  for (int64_t cut : cuts) {
    if (cut <= first || cut >= plan.items()) continue;
    plan.run(x.data(), y.mutable_data(), first, cut);
    first = cut;
  }
  plan.run(x.data(), y.mutable_data(), first, plan.items());
  return plan.items();
}

}  // namespace

void bind_transpose(py::module_& parent) {
  py::module_ m = parent.def_submodule("transpose");
  m.def("copy", copy, py::arg("x"), py::arg("y"), py::arg("cuts") = std::vector<int64_t>());
}
