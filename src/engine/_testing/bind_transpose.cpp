#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "kernels/transpose/transpose.h"

namespace py = pybind11;
using namespace engine;

namespace {

// Runs the units in ranges that end at the given cuts.
void run(const CopyPlan& plan, const void* src, py::array& y, const std::vector<int64_t>& cuts) {
  int64_t first = 0;
  for (int64_t cut : cuts) {
    if (cut <= first || cut >= plan.units) continue;
    run_copy(plan, src, y.mutable_data(), first, cut);
    first = cut;
  }
  run_copy(plan, src, y.mutable_data(), first, plan.units);
}

const char* kind_name(const CopyPlan& plan) {
  switch (plan.kind) {
    case CopyPlan::Kind::run:
      return "run";
    case CopyPlan::Kind::block:
      return "block";
    default:
      return "gather";
  }
}

// Copies the transposed x into y; returns the plan's kind, units and element size.
py::tuple transpose(const py::array& x, const std::vector<int64_t>& perm, py::array y,
                    const std::vector<int64_t>& cuts) {
  std::vector<int64_t> shape(x.shape(), x.shape() + x.ndim());
  CopyPlan plan = plan_transpose(shape.data(), perm.data(), int(perm.size()), size_t(x.itemsize()));
  run(plan, x.data(), y, cuts);
  return py::make_tuple(kind_name(plan), plan.units, plan.element_size);
}

// Copies x, of any strides, into the contiguous y.
py::tuple copy(const py::array& x, py::array y, const std::vector<int64_t>& cuts) {
  std::vector<int64_t> shape(x.shape(), x.shape() + x.ndim()), strides;
  for (py::ssize_t d = 0; d < x.ndim(); ++d) strides.push_back(x.strides(d) / x.itemsize());
  CopyPlan plan = plan_copy(shape.data(), strides.data(), int(shape.size()), size_t(x.itemsize()));
  run(plan, x.data(), y, cuts);
  return py::make_tuple(kind_name(plan), plan.units, plan.element_size);
}

}  // namespace

void bind_transpose(py::module_& parent) {
  py::module_ m = parent.def_submodule("transpose");
  m.def("transpose", transpose, py::arg("x"), py::arg("perm"), py::arg("y"), py::arg("cuts") = std::vector<int64_t>());
  m.def("copy", copy, py::arg("x"), py::arg("y"), py::arg("cuts") = std::vector<int64_t>());
}
